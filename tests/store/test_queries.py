from __future__ import annotations

import itertools
import re

import pytest

from bizq_lab.store.queries import fitted, named_query, query_names

TAGGED = [name for name in query_names() if re.search(r" -- (if|unless) \w", named_query(name))]
# Long answers, and those of many keys, are the quicker for each column that nobody asked for: it is not there.
KEYS_ASKED_FOR = {"conditions", "durations"}
TEXT = """-- said: what is asked
SELECT
    a, -- if by_a
    '' AS a, -- unless by_a
    $b AS b, -- if by_a, unless by_b
    c -- if kind=word
FROM t"""


@pytest.mark.parametrize(
    ("params", "lines", "done"),
    [
        ({"by_a": True, "by_b": False, "kind": "word"}, ["    a,", "    $b AS b,", "    c"], set()),
        ({"by_a": True, "by_b": True, "kind": "other"}, ["    a,"], {"b"}),
        ({"by_a": 0, "by_b": None, "kind": None}, ["    '' AS a,"], {"b"}),
        ({}, ["    '' AS a,"], {"b"}),
    ],
)
def test_a_tagged_line_is_there_only_where_its_parameters_are_so(
    params: dict[str, object], lines: list[str], done: set[str]
) -> None:
    text, finished = fitted(TEXT, params)
    assert text.splitlines()[2:-1] == lines
    assert finished == {"by_a", "by_b", "kind"} | done


def test_a_query_without_tags_stays_as_it_is() -> None:
    plain = named_query("log_span").rstrip("\n")
    assert fitted(plain, {}) == (plain, frozenset())


@pytest.mark.parametrize("name", TAGGED)
def test_every_choice_of_flags_takes_the_same_parameters_and_answers_in_the_same_columns(name: str) -> None:
    text = named_query(name)
    values: dict[str, set[object]] = {}
    for tag in re.findall(r" -- ((?:if|unless) \w.*)$", text, re.MULTILINE):
        for word, flag, value in re.findall(r"(if|unless) (\w+)(?:=(\w+))?", tag):
            values.setdefault(flag, set()).update(
                {value, *(["other"] * (word == "unless"))} if value else {True, False}
            )
    shapes, wanted = set(), set()
    for choice in itertools.product(*values.values()):
        asked, done = fitted(text, dict(zip(values, choice, strict=True)))
        code = re.sub(r"--.*", "", asked)
        wanted.add(done | set(re.findall(r"\$(\w+)", code)))
        shapes.add(tuple(columns_of(code)))
    assert len(wanted) == 1
    if name in KEYS_ASKED_FOR:
        assert {tuple(column for column in max(shapes, key=len) if column in shape) for shape in shapes} == shapes
    else:
        assert len(shapes) == 1


def columns_of(code: str) -> list[str]:
    """Names of what the last SELECT returns."""
    listed = code[code.rindex("\nSELECT") + len("\nSELECT") : code.rindex("\nFROM")]
    depth, items = 0, [""]
    for character in listed:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth:
            items.append("")
        else:
            items[-1] += character
    return sorted(item.split()[-1].rpartition(".")[2] for item in items)
