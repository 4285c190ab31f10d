"""Files that other programs wrote, read a row at a time in bounded memory. Knows no gateway and no meaning of a column.

Whatever a row holds stays data: nothing is evaluated, a row that cannot be read is handed on with its problem, and the
next one follows. Numbers come as written (`Decimal`), never through a float.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bizq_lab.errors import InputError
from bizq_lab.store.foreign.csv_rows import csv_rows
from bizq_lab.store.foreign.json_rows import json_lines, json_rows
from bizq_lab.store.foreign.parquet_rows import parquet_rows
from bizq_lab.store.foreign.row import ForeignRow

if TYPE_CHECKING:
    from typing import IO

KINDS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
__all__ = ["KINDS", "ForeignRow", "read_foreign"]


def read_foreign(path: str | Path) -> Iterator[ForeignRow]:
    """The rows of a CSV, JSON Lines, JSON or Parquet file, told by its name; text may be compressed with gzip.

    Args:
        path: `*.csv`, `*.tsv`, `*.jsonl`, `*.ndjson`, `*.json` (an object a line, or one document of at most 64 MiB),
            each also with `.gz`; `*.parquet`.

    Raises:
        InputError: No such file, a name that says no kind, or a file that is not what its name says.
    """
    file = Path(path)
    if not file.is_file():
        message = f"no file at {str(path)!r}"
        raise InputError(message, hint=f"name one of {', '.join(KINDS)}")
    kind = _kind(file)
    if kind == ".parquet":
        yield from parquet_rows(file)
        return
    try:
        with _opened(file) as stream:
            if kind in {".csv", ".tsv"}:
                with io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="") as text:
                    yield from csv_rows(text, file.name)
            else:
                yield from (json_rows if kind == ".json" else json_lines)(stream, file.name)
    except (OSError, EOFError, zlib.error) as error:
        message = f"{path}: cannot be read to its end: {error}"
        raise InputError(
            message, hint="take it from its source again; importing the whole file adds nothing twice"
        ) from None


def _kind(file: Path) -> str:
    name = file.name.lower().removesuffix(".gz")
    kind = Path(name).suffix
    if kind not in KINDS or (kind == ".parquet" and file.name.lower().endswith(".gz")):
        message = f"{str(file)!r}: its name does not say what it holds"
        raise InputError(message, hint=f"rename it to one of {', '.join(KINDS)}; text may also end in .gz")
    return kind


def _opened(file: Path) -> IO[bytes]:
    if file.name.lower().endswith(".gz"):
        return cast("IO[bytes]", gzip.open(file, "rb"))
    return file.open("rb")
