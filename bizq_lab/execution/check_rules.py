"""The acceptance rules, one function a name. Each reads hostile text in linear time and never raises.

A rule returns None where the task states no expectation for it, else an empty string (passed) or why it failed.
Expectations come from `task.expected`, limits that the model was told from `task.input`, the rest from the catalog.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bizq_lab.core.execution import ProviderReply
from bizq_lab.core.task import Task

Params = Mapping[str, Any]
Rule = Callable[[Task, ProviderReply, Params], str | None]

# Beyond this no business text goes; a longer output is cut for the checks, not for the log.
MOST_CHARACTERS = 200_000
_PLACEHOLDERS = (
    "[your name]",
    "[name]",
    "[company",
    "[product",
    "[insert",
    "lorem ipsum",
    "{{",
    "todo:",
    "xxx",
    "<insert",
)
_REFUSALS = (
    "i'm sorry, but",
    "i am sorry, but",
    "i cannot",
    "i can't",
    "as an ai",
    "i am unable",
    "i'm unable",
    "i'm not able",
)
_REFUSAL_WINDOW = 200


def non_empty(_task: Task, reply: ProviderReply, _params: Params) -> str | None:
    """Some visible text."""
    return "" if reply.text.strip() else "no text"


def finish_reason(_task: Task, reply: ProviderReply, params: Params) -> str | None:
    """The model stopped by itself."""
    good = params.get("allowed", ["stop", "end_turn", "stop_sequence"])
    return "" if reply.finish_reason in good else f"finish reason {reply.finish_reason!r:.40}"


def refusal(_task: Task, reply: ProviderReply, _params: Params) -> str | None:
    """The model did not decline."""
    if reply.finish_reason in {"refusal", "content_filter"}:
        return f"finish reason {reply.finish_reason!r}"
    head = normalised(reply.text[:_REFUSAL_WINDOW])
    return next((f"says {phrase!r}" for phrase in _REFUSALS if phrase in head), "")


def placeholder(_task: Task, reply: ProviderReply, _params: Params) -> str | None:
    """No unfilled slot such as `[Your Name]`."""
    text = normalised(reply.text)
    return next((f"holds {slot!r}" for slot in _PLACEHOLDERS if slot in text), "")


def length(task: Task, reply: ProviderReply, params: Params) -> str | None:
    """Between `min_words` and `max_words`, where the task states them."""
    low, high = _number(task, params, "min_words"), _number(task, params, "max_words")
    if low is None and high is None:
        return None
    words = len(reply.text[:MOST_CHARACTERS].split())
    if low is not None and words < low:
        return f"{words} words, must be at least {low:g}"
    return f"{words} words, must be at most {high:g}" if high is not None and words > high else ""


def max_characters(task: Task, reply: ProviderReply, params: Params) -> str | None:
    """The first line fits into `max_characters`."""
    most = _number(task, params, "max_characters")
    if most is None:
        return None
    size = len(first_line(reply.text))
    return "" if size <= most else f"{size} characters, must be at most {most:g}"


def mentions(task: Task, reply: ProviderReply, _params: Params) -> str | None:
    """Every term of `mentions`; a list within it means any one of its terms."""
    wanted = _list(task.expected.get("mentions"))
    if not wanted:
        return None
    text = normalised(reply.text)
    missing = [term for term in wanted if not any(contains(text, option) for option in _list(term))]
    return f"does not mention {_shown(missing)}" if missing else ""


def banned_terms(task: Task, reply: ProviderReply, params: Params) -> str | None:
    """None of the terms of `banned`."""
    banned = [*_list(task.expected.get("banned")), *_list(params.get("terms"))]
    if not banned:
        return None
    text = normalised(reply.text)
    found = [term for term in banned if contains(text, term)]
    return f"says {_shown(found)}" if found else ""


def answer(task: Task, reply: ProviderReply, params: Params) -> str | None:
    """The first of the options that the text names is the expected one."""
    expected = task.expected.get("answer")
    if expected is None:
        return None
    options = _list(task.expected.get("options")) or _list(params.get("options"))
    text = normalised(reply.text)
    places = sorted((place, option) for option in map(str, options) if (place := position(text, option)) >= 0)
    if not places:
        return f"names none of {_shown(options)}"
    return "" if normalised(places[0][1]) == normalised(str(expected)) else f"answers {places[0][1]!r}"


def fields(task: Task, reply: ProviderReply, _params: Params) -> str | None:
    """Every field of `fields` stands as `name: value`, on a line or as JSON, with the expected value."""
    expected = task.expected.get("fields")
    if not isinstance(expected, dict):
        return None
    text = normalised(reply.text)
    wrong = [name for name, value in expected.items() if not _has_field(text, normalised(name), normalised(str(value)))]
    return f"wrong or missing field {_shown(wrong)}" if wrong else ""


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        non_empty,
        finish_reason,
        refusal,
        placeholder,
        length,
        max_characters,
        mentions,
        banned_terms,
        answer,
        fields,
    )
}


def normalised(text: str) -> str:
    """Lower case, single spaces, straight quotes and plain hyphens, cut to what is checked."""
    plain = text[:MOST_CHARACTERS].casefold().translate(_QUOTES)
    return " ".join(plain.split())


def first_line(text: str) -> str:
    """The first line with something on it, without the quotes or marks that models like to add."""
    line = next((line for line in text[:MOST_CHARACTERS].splitlines() if line.strip()), "")
    return line.strip().strip("\"'*#").strip()


def position(text: str, term: object) -> int:
    """Where a term begins as a word of its own in normalised text, or -1."""
    wanted = normalised(str(term))
    start = text.find(wanted)
    while start >= 0 and wanted:
        end = start + len(wanted)
        if not (_joins(text, start - 1, wanted[0]) or _joins(text, end, wanted[-1])):
            return start
        start = text.find(wanted, start + 1)
    return -1


def contains(text: str, term: object) -> bool:
    """Whether normalised text holds a term as a word of its own."""
    return position(text, term) >= 0


_QUOTES = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2010": "-", "\u2011": "-", "\u2013": "-"}
)
_FIELD = re.compile(r"\s*[\"']?\s*[:=]\s*[\"']?\s*")


def _joins(text: str, index: int, edge: str) -> bool:
    return 0 <= index < len(text) and edge.isalnum() and text[index].isalnum()


def _has_field(text: str, name: str, value: str) -> bool:
    start = position(text, name)
    while start >= 0:
        rest = text[start + len(name) : start + len(name) + len(value) + 40]
        separator = _FIELD.match(rest)
        if separator is not None:
            return position(rest[separator.end() :], value) == 0
        following = position(text[start + 1 :], name)
        start = -1 if following < 0 else start + 1 + following
    return False


def _number(task: Task, params: Params, name: str) -> float | None:
    for source in (task.expected, task.input, params):
        value = source.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    return None


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _shown(terms: Iterable[object]) -> str:
    return ", ".join(repr(term)[:40] for term in list(terms)[:3])
