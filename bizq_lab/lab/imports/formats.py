"""From a file's rows to calls ready for the log, whatever the format; what cannot be taken is counted. Knows no log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from bizq_lab.errors import InputError
from bizq_lab.lab.imports.call import ImportedCall
from bizq_lab.lab.imports.entry import Entry, Importing, entry_of
from bizq_lab.lab.imports.fields import Fields, RefusedRow
from bizq_lab.lab.imports.generic import Generic
from bizq_lab.lab.imports.litellm import litellm_call
from bizq_lab.lab.imports.mapping import load_mapping
from bizq_lab.lab.imports.otel import otel_call
from bizq_lab.lab.imports.report import Tally
from bizq_lab.lab.imports.spans import spans_of
from bizq_lab.store.foreign import ForeignRow

Format = Literal["litellm", "otel", "generic"]
FORMATS: tuple[Format, ...] = get_args(Format)
BATCH_ROWS = 2_000
BATCH_CHARS = 32 * 1024 * 1024


class Reading(NamedTuple):
    """How a format is read: `split` gives the records of a row, `read` the call of a record, None if it is no call."""

    split: Callable[[Fields], Iterable[Fields]]
    read: Callable[[Fields, str], ImportedCall | None]


def reading_of(kind: str, mapping: str | Path | None) -> Reading:
    """How to read a format.

    Raises:
        InputError: There is no such format, or it lacks its mapping, or the mapping is none.
    """
    if kind not in FORMATS:
        message = f"format == {kind!r}, is not one of the formats"
        raise InputError(message, hint=f"known: {', '.join(FORMATS)}")
    if (kind == "generic") != (mapping is not None):
        message = "format 'generic' needs a mapping" if mapping is None else f"format {kind!r} takes no mapping"
        raise InputError(message, hint="bizq-lab import --help shows one")
    if kind == "otel":
        return Reading(spans_of, otel_call)
    return Reading(lambda row: (row,), litellm_call if mapping is None else Generic(load_mapping(mapping)))


def batches(
    rows: Iterable[ForeignRow], reading: Reading, task_type: str, terms: Importing, *, tally: Tally, latest_us: int
) -> Iterator[list[Entry]]:
    """Good calls, as many at a time as are few and small enough to hold; the others are counted."""
    entries = _entries(rows, reading, task_type, terms, tally=tally, latest_us=latest_us)
    while batch := list(islice(entries, 1)):
        size = batch[0].chars
        while len(batch) < BATCH_ROWS and size < BATCH_CHARS and (more := next(entries, None)) is not None:
            batch.append(more)
            size += more.chars
        yield batch


def _entries(
    rows: Iterable[ForeignRow], reading: Reading, task_type: str, terms: Importing, *, tally: Tally, latest_us: int
) -> Iterator[Entry]:
    for row in rows:
        try:
            records = _records(row, reading, latest_us)
        except RefusedRow as refused:
            tally.read += 1
            tally.refuse(row.number, refused.reason, refused.value)
            continue
        for record in records:
            tally.read += 1
            try:
                call = reading.read(record, task_type)
                entry = None if call is None else entry_of(call, terms)
            except RefusedRow as refused:
                tally.refuse(row.number, refused.reason, refused.value)
                continue
            if entry is None:
                tally.passed_over += 1
            else:
                yield entry


def _records(row: ForeignRow, reading: Reading, latest_us: int) -> list[Fields]:
    if row.problem:
        raise RefusedRow(row.problem, row.shown)
    return list(reading.split(Fields(row.fields, latest_us=latest_us, spreadsheet=row.spreadsheet)))
