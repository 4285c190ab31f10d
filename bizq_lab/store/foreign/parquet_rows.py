"""Parquet, a batch of rows at a time, through DuckDB. Values come as JSON, which keeps digits and nesting."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path

from bizq_lab.errors import InputError
from bizq_lab.store.foreign.json_rows import read_json
from bizq_lab.store.foreign.row import ForeignRow
from bizq_lab.store.statements import statement

_BATCH = 1000
# What one row group needs; DuckDB refuses rather than taking more.
_CONFIG = {"memory_limit": "512MB", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def parquet_rows(path: Path) -> Iterator[ForeignRow]:
    """The rows in file order.

    Raises:
        InputError: It is no Parquet file that can be read.
    """
    import duckdb  # noqa: PLC0415 - loads only where a file is read

    try:
        with duckdb.connect(":memory:", config=dict(_CONFIG)) as connection:
            connection.execute(statement("foreign_parquet"), {"path": glob.escape(str(path))})
            names = [str(column[0]) for column in connection.description]
            number = 0
            while batch := connection.fetchmany(_BATCH):
                for cells in batch:
                    number += 1
                    yield ForeignRow(
                        number, {name: read_json(cell) for name, cell in zip(names, cells, strict=True) if cell}
                    )
    except duckdb.Error as error:
        message = f"{path}: not a Parquet file that can be read: {str(error).splitlines()[0]}"
        raise InputError(
            message, hint="take it from its source again; importing the whole file adds nothing twice"
        ) from None
