"""Reading hostile text: normal form, terms, numbers, fields. Bounded work, linear patterns, never an exception."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

SCANNED = 100_000  # characters of an output that are read; a longer one is not what any task type asks for
_FIELD_LINES = 400
_DIGITS = 20  # a longer number is no figure of business
_SPACE = re.compile(r"\s+")
_DASHES = str.maketrans(
    dict.fromkeys("-_\u2010\u2011\u2012\u2013\u2014", " ")
    | dict.fromkeys("\u2018\u2019", "'")
    | dict.fromkeys("\u201c\u201d", '"')
)
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w])")
_MARKUP = " \t*_`\"'-#\u2022"


def plain(text: str) -> str:
    """Comparable text: compatibility form, case folded, dashes and runs of space as one space, straight quotes."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_DASHES)
    return _SPACE.sub(" ", folded).strip()


def has_term(haystack: str, term: str) -> bool:
    """Whether a term begins at a word in `plain` text; an ending may follow a word, nothing may follow a number."""
    wanted = plain(term)
    if not wanted:
        return True
    before = r"(?<!\w)(?<!\d[.,])" if wanted[0].isalnum() else ""
    after = r"(?!\w|[.,]\d)" if wanted[-1].isdigit() else ""
    return re.search(before + re.escape(wanted) + after, haystack) is not None


def first_term(haystack: str, terms: list[str]) -> str:
    """Which of the terms comes first in `plain` text, as a whole word or inflected; empty when none does.

    A choice that is only repeated, such as `approve or deny`, names none of them, nor does `not approved`.
    """
    known = {form: term for term in terms for form in _forms(plain(term))}
    if not known:
        return ""
    forms = "|".join(re.escape(form) for form in sorted(known, key=len, reverse=True))
    undecided = re.compile(
        rf"(?<!\w)(?:(?:{forms}) (?:or|/)|(?:not|cannot|can't|never)(?: be| been)?) (?:{forms})(?!\w)"
    )
    found = re.search(rf"(?<!\w)({forms})(?!\w)", undecided.sub(" ", haystack))
    return known[found[1]] if found else ""


def _forms(term: str) -> list[str]:
    """The word and its plain inflections: approve, approves, approved; deny, denies, denied."""
    stem = term[:-1] if term.endswith(("e", "y")) else term
    vowel = "i" if term.endswith("y") else ""
    return [term, f"{term}s", f"{stem}{vowel}es", f"{stem}{vowel}ed"] if term else []


def numbers(text: str) -> set[float]:
    """The numbers a text states, thousands separators removed."""
    return {float(found[0].replace(",", "")) for found in _NUMBER.finditer(text) if len(found[0]) <= _DIGITS}


def fields(text: str) -> dict[str, str]:
    """Fields of an answer by their `plain` names: a JSON object in it, else its `name: value` lines."""
    found = json_object(text)
    if found is not None:
        return {plain(name): plain(_scalar(value)) for name, value in found.items()}
    lines: dict[str, str] = {}
    for line in text.splitlines()[:_FIELD_LINES]:
        name, colon, value = line.partition(":")
        if colon and (key := plain(name.strip(_MARKUP))):
            lines.setdefault(key, plain(value.strip(_MARKUP + ",.")))
    return lines


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object between the first opening and the last closing brace; None when there is none."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        found = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _scalar(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""
