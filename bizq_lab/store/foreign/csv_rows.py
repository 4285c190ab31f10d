"""CSV, a row at a time: the standard library's reader, with the delimiter that the header shows. Knows no column."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from typing import TextIO

from bizq_lab.errors import InputError
from bizq_lab.store.foreign.row import ForeignRow

LARGEST_CELL = 16 * 1024 * 1024
_DELIMITERS = ",;\t|"


def csv_rows(stream: TextIO, name: str) -> Iterator[ForeignRow]:
    """The rows below the header.

    Raises:
        InputError: There is no header, or a column is there twice.
    """
    # The limit is the csv module's own, for the whole process; ours is the larger.
    csv.field_size_limit(max(LARGEST_CELL, csv.field_size_limit()))
    first = stream.readline(LARGEST_CELL)
    delimiter = max(_DELIMITERS, key=first.count)
    header = [column.strip() for column in next(csv.reader([first], delimiter=delimiter), [])]
    twice = [column for column, n in Counter(header).items() if n > 1]
    if not any(header) or twice:
        problem = f"column {twice[0]!r:.80} is there twice" if twice else "no header"
        message = f"{name}: {problem}"
        raise InputError(message, hint="the first line names the columns, each once")
    reader = csv.reader(stream, delimiter=delimiter)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield ForeignRow(number, {}, "not CSV", str(error))
            continue
        if not cells:
            number -= 1
        elif len(cells) != len(header):
            yield ForeignRow(number, {}, "other columns than the header", f"{len(cells)} cells for {len(header)}")
        else:
            yield ForeignRow(number, dict(zip(header, cells, strict=True)), spreadsheet=True)
