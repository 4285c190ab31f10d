"""One row of a file of another program: its fields, or why they could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class ForeignRow(NamedTuple):
    """A row.

    Attributes:
        number: Position in the file, from 1; a CSV file's header is not counted.
        fields: Values by column; empty where `problem` says why.
        problem: Why the row could not be read; empty: it was.
        shown: The offending part, shortened.
        spreadsheet: Whether text may carry the apostrophe that guards a spreadsheet against formulas.
    """

    number: int
    fields: Mapping[str, Any]
    problem: str = ""
    shown: str = ""
    spreadsheet: bool = False
