"""An answer on a person's terminal: as wide as it is, in colour where it has any. Knows no command and no question."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bizq_lab.core.display import printable, side_by_side

if TYPE_CHECKING:
    from bizq_lab.core.display import Sheet


def is_terminal() -> bool:
    """Whether a person reads stdout; a pipe, a file and a scheduler get plain text."""
    return sys.stdout.isatty()


def show(sheet: Sheet) -> None:
    """Title, table, sentence, reservations and methods. Every text is literal: what a model wrote is never markup."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    console.print(Text(printable(sheet.title), style="bold"), end="\n\n")
    for block in side_by_side(sheet, console.width):
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", show_edge=False)
        for strip in block:
            table.add_column(Text(strip.cells[0]), justify="right" if strip.numeric else "left", no_wrap=True)
        for cells in zip(*(strip.cells[1:] for strip in block), strict=True):
            table.add_row(*map(Text, cells))
        console.print(table)
        console.print()
    console.print(Text(printable(sheet.summary), style="bold"))
    for caveat in sheet.caveats:
        console.print(Text(f"! {printable(caveat)}", style="yellow"))
    if sheet.notes:
        console.print(Text(printable(sheet.notes), style="dim"))
