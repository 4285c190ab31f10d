"""Named questions in SQL, `queries/<name>.sql` each, asked by `Log.query(name, **params)`. Knows no connection.

A file starts with a header: `-- <name>: what it answers`, then `-- grain:`, `-- reads:`, `-- columns:` (units) and
`-- params:`. It is one SELECT with `$named` parameters, each of which the caller must give; None is NULL. Whole numbers
come back exact; columns of type JSON come back decoded.

A line that ends in `-- if x`, `-- unless x` or `-- if x=word` is there only where the parameter x is so: a key that
nobody asked for must not be grouped by. A comma joins several, all of which must hold.

The same text runs on Apache Spark over the archived log, and must give the same answer to the last bit:
`store/dialect.py` says what a query has to keep to, and a test asks every file here on both engines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from bizq_lab.errors import InputError

_TAG = re.compile(r" --((?: (?:if|unless) \w+(?:=\w+)?,?)+)$")
_TEST = re.compile(r"(if|unless) (\w+)(?:=(\w+))?")
_PARAMETER = re.compile(r"\$(\w+)")


def fitted(text: str, params: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    """The lines of a query that these parameters ask for.

    Returns:
        The text, and the parameters that have done their work: those of the tags, and of the lines left out.
    """
    kept: list[str] = []
    done: set[str] = set()
    for line in text.splitlines():
        tag = _TAG.search(line)
        if tag is None:
            kept.append(line)
            continue
        tests = _TEST.findall(tag[1])
        done.update(name for _, name, _ in tests)
        if all(_holds(params.get(name), value) == (word == "if") for word, name, value in tests):
            kept.append(line[: tag.start()])
        else:
            done.update(_PARAMETER.findall(line))
    return "\n".join(kept), frozenset(done)


def _holds(given: object, value: str) -> bool:
    return given == value if value else bool(given)


@cache
def named_query(name: str) -> str:
    """The text of one query.

    Raises:
        InputError: There is no query of that name.
    """
    known = query_names()
    if name not in known:
        near = get_close_matches(name, known, n=3) or known
        raise InputError(f"unknown query {name!r}", hint=f"known: {', '.join(near)}")
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


@cache
def query_names() -> tuple[str, ...]:
    """All queries by name."""
    return tuple(sorted(f.name.removesuffix(".sql") for f in files(__name__).iterdir() if f.name.endswith(".sql")))
