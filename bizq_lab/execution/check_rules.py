"""The acceptance rules by name: each returns why an output fails it, or nothing. Knows no task type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pydantic import JsonValue

from bizq_lab.execution.check_text import fields, first_term, has_term, json_object, numbers, plain

FINISHED = frozenset({"stop", "end_turn", "stop_sequence", "tool_use", "tool_calls"})
_OPENING = 300  # a refusal comes at the beginning; later the words may be about something else
_REFUSAL = re.compile(
    r"\b(?:i(?: am|'m) sorry,? but i (?:can|am|'m)"
    r"|i (?:can't|cannot|can not|won't) (?:assist|help|provide|comply|fulfil)"
    r"|i(?: am|'m) (?:unable|not able) to|as an ai(?: language)? model|i must decline|against my guidelines)"
)
_PLACEHOLDER = re.compile(
    r"[\[<{](?:your|insert|company|customer|product|name|date|link|city|brand|shop|price)\b[^\[\]<>{}\n]{0,40}[\]>}]"
    r"|lorem ipsum|\btodo\b|\btbd\b|\bxxx+\b|\{\{|\}\}"
)

Params = Mapping[str, JsonValue]


class Evidence(NamedTuple):
    """One output as the rules read it.

    Attributes:
        text: As written, up to the scanning bound.
        plain: The same in comparable form.
        characters: Length of the whole, without surrounding space.
        finish_reason: As the provider said.
    """

    text: str
    plain: str
    characters: int
    finish_reason: str


def non_empty(seen: Evidence, _: Params) -> str:
    """There is something besides space."""
    return "" if seen.characters else "the output is empty"


def finish_reason(seen: Evidence, _: Params) -> str:
    """The model stopped by itself."""
    return "" if seen.finish_reason in FINISHED else f"finish reason {seen.finish_reason[:40]!r}"


def length(seen: Evidence, params: Params) -> str:
    """Between `min_words` and `max_words`, `min_characters` and `max_characters`; whichever are given."""
    sizes = {"words": len(seen.text.split()), "characters": seen.characters}
    for unit, size in sizes.items():
        low, high = _number(params, f"min_{unit}"), _number(params, f"max_{unit}")
        if low is not None and size < low:
            return f"{size} {unit}, at least {low:g} wanted"
        if high is not None and size > high:
            return f"{size} {unit}, at most {high:g} wanted"
    return ""


def mentions(seen: Evidence, params: Params) -> str:
    """Every item of `mentions` occurs: a term, or a list of terms of which one is enough."""
    missing = [terms[0] for terms in map(_texts, _list(params, "mentions")) if terms and not _any(seen.plain, terms)]
    return f"does not mention {', '.join(missing)}" if missing else ""


def banned_terms(seen: Evidence, params: Params) -> str:
    """No item of `banned_terms`, the task type's, or of `banned`, the task's own, occurs."""
    terms = [*_texts(params.get("banned_terms")), *_texts(params.get("banned"))]
    used = [term for term in terms if has_term(seen.plain, term)]
    return f"uses {', '.join(used)}" if used else ""


def refusal(seen: Evidence, _: Params) -> str:
    """The model does not decline to answer."""
    if seen.finish_reason in {"refusal", "content_filter"}:
        return f"finish reason {seen.finish_reason!r}"
    return "declines to answer" if _REFUSAL.search(seen.plain[:_OPENING]) else ""


def placeholder(seen: Evidence, _: Params) -> str:
    """Nothing is left to fill in, such as `[Your Name]`."""
    return "holds a placeholder" if _PLACEHOLDER.search(seen.text.casefold()) else ""


def answer(seen: Evidence, params: Params) -> str:
    """The first of `options` that the output names is `answer`."""
    wanted = _texts(params.get("answer"))
    if not wanted:
        return ""
    named = first_term(seen.plain, [*_texts(params.get("options")), *wanted])
    return "" if plain(named) == plain(wanted[0]) else f"says {named or 'none of the options'}, not {wanted[0]}"


def exact_fields(seen: Evidence, params: Params) -> str:
    """Each of `fields` is stated, as JSON or as `name: value` lines, with exactly that value."""
    wanted = params.get("fields")
    if not isinstance(wanted, dict):
        return ""
    stated = fields(seen.text)
    wrong = [name for name, value in wanted.items() if stated.get(plain(name)) not in set(map(plain, _texts(value)))]
    return f"wrong or missing: {', '.join(wrong)}" if wrong else ""


def json_fields(seen: Evidence, params: Params) -> str:
    """The output holds a JSON object with every name of `json_fields`."""
    found = json_object(seen.text)
    if found is None:
        return "holds no JSON object"
    missing = [name for name in _texts(params.get("json_fields")) if name not in found]
    return f"JSON lacks {', '.join(missing)}" if missing else ""


def exact_numbers(seen: Evidence, params: Params) -> str:
    """Every figure of `numbers` is stated; with `only_numbers`, no figure outside that list is."""
    stated = numbers(seen.text)
    wanted = _figures(params.get("numbers"))
    missing = sorted(wanted - stated)
    if missing:
        return f"lacks {', '.join(f'{figure:g}' for figure in missing)}"
    allowed = _figures(params.get("only_numbers"))
    return "states a figure it was not given" if allowed and stated - allowed - wanted else ""


def hashtags(seen: Evidence, params: Params) -> str:
    """Between `min_hashtags` and `max_hashtags` hashtags."""
    count = len(re.findall(r"(?<![\w#])#\w", seen.text))
    low, high = _number(params, "min_hashtags"), _number(params, "max_hashtags")
    wrong = (low is not None and count < low) or (high is not None and count > high)
    return f"{count} hashtags" if wrong else ""


RULES: Mapping[str, Callable[[Evidence, Params], str]] = {
    "non_empty": non_empty,
    "finish_reason": finish_reason,
    "length": length,
    "mentions": mentions,
    "banned_terms": banned_terms,
    "refusal": refusal,
    "placeholder": placeholder,
    "answer": answer,
    "fields": exact_fields,
    "json_fields": json_fields,
    "numbers": exact_numbers,
    "hashtags": hashtags,
}


def _any(haystack: str, terms: list[str]) -> bool:
    return any(has_term(haystack, term) for term in terms)


def _list(params: Params, name: str) -> list[JsonValue]:
    value = params.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]


def _texts(value: JsonValue) -> list[str]:
    """A string, a number or a list of them, as strings; anything else is nothing."""
    if isinstance(value, list):
        return [str(item) for item in value if isinstance(item, str | int | float)]
    return [str(value)] if isinstance(value, str | int | float) else []


def _figures(value: JsonValue) -> set[float]:
    return {float(item) for item in (value if isinstance(value, list) else []) if isinstance(item, int | float)}


def _number(params: Params, name: str) -> float | None:
    value = params.get(name)
    return float(value) if isinstance(value, int | float) else None
