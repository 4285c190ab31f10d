"""Named questions in SQL, `queries/<name>.sql` each, asked by `Log.query(name, **params)`. Knows no connection.

A file starts with a header: `-- <name>: what it answers`, then `-- grain:`, `-- reads:`, `-- columns:` (units) and
`-- params:`. It is one SELECT with `$named` parameters, each of which the caller must give; None is NULL. Whole numbers
come back exact; columns of type JSON come back decoded.

The same text runs on Apache Spark over the archived log, and must give the same answer to the last bit:
`store/dialect.py` says what a query has to keep to, and a test asks every file here on both engines.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from bizq_lab.errors import InputError


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
