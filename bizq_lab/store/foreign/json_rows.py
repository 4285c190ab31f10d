"""JSON, a line at a time, or one document whole. Numbers keep their digits. Knows no field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from typing import IO, Any

from bizq_lab.errors import InputError
from bizq_lab.store.foreign.row import ForeignRow

LONGEST_LINE = 64 * 1024 * 1024
_SHOWN = 60


def json_lines(stream: IO[bytes], _name: str) -> Iterator[ForeignRow]:
    """One object a line; blank lines are passed over."""
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(LONGEST_LINE)
            yield ForeignRow(number, {}, f"line longer than {LONGEST_LINE:,} bytes")
        elif line.strip():
            yield _row(number, line.removeprefix(b"\xef\xbb\xbf"))


def json_rows(stream: IO[bytes], name: str) -> Iterator[ForeignRow]:
    """A `.json` file: lines where its first line is an object, else one document.

    A document is a list of rows, an object whose `data` is such a list, or one row.

    Raises:
        InputError: It is one document, and too large or no JSON.
    """
    first = stream.readline(LONGEST_LINE + 1)
    line = _row(1, first)
    if not line.problem and not isinstance(line.fields.get("data"), list):
        yield from json_lines(_Again(first, stream), name)  # type: ignore[arg-type]  # it has readline, and no more
        return
    text = first + stream.read(LONGEST_LINE + 1 - len(first))
    if len(text) > LONGEST_LINE:
        message = f"{name}: one JSON document of more than {LONGEST_LINE:,} bytes"
        raise InputError(message, hint="write one object a line: jq -c '.[]' file.json > file.jsonl")
    try:
        document = read_json(text.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        message = f"{name}: not JSON: {error}"
        raise InputError(message, hint="one object a line, or one document") from None
    inside = document.get("data") if isinstance(document, dict) else document
    rows = inside if isinstance(inside, list) else [document]
    for number, row in enumerate(rows, 1):
        yield ForeignRow(number, row) if isinstance(row, dict) else _not_an_object(number, row)


def read_json(text: str) -> Any:
    """JSON with every number that has a fraction as a `Decimal`; NaN and infinities too, for the reader to refuse.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is nested too deeply.
    """
    return json.loads(text, parse_float=Decimal, parse_constant=Decimal)


class _Again:
    """A stream whose first line was read already."""

    def __init__(self, first: bytes, rest: IO[bytes]) -> None:
        self._lines = chain([first], iter(lambda: rest.readline(LONGEST_LINE + 1), b""))

    def readline(self, _limit: int) -> bytes:
        """The next line, or what of it fits."""
        return next(self._lines, b"")


def _row(number: int, line: bytes) -> ForeignRow:
    try:
        row = read_json(line.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return ForeignRow(number, {}, "not JSON", line[:_SHOWN].decode("utf-8", "replace").strip())
    return ForeignRow(number, row) if isinstance(row, dict) else _not_an_object(number, row)


def _not_an_object(number: int, row: Any) -> ForeignRow:
    return ForeignRow(number, {}, "not a JSON object", f"{row!r:.60}")
