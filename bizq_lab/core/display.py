"""Rows as HTML, Markdown and text, always escaped. Knows no question and no unit conversion beyond `Estimate`."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bizq_lab.core.estimate import Estimate, quantity
from bizq_lab.core.money import format_usd

if TYPE_CHECKING:
    from bizq_lab.core.result import Cell

    Rows = Sequence[Mapping[str, Cell]]

MISSING = "n/a"


def cell_text(name: str, cell: Cell) -> str:
    """One cell as text. The column's name carries the unit: `*_usd`, `*_s`."""
    match cell:
        case None:
            return MISSING
        case bool():
            return "yes" if cell else "no"
        case float() if name.endswith("_usd"):
            return format_usd(cell)
        case float():
            return quantity(cell, "s" if name.endswith("_s") else "")
        case int():
            return f"{cell:,}"
    return printable(str(cell))


def printable(text: str) -> str:
    """Text without control characters, bidirectional overrides or lone surrogates: safe in a terminal."""
    return "".join(char if char == "\n" or not _is_control(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def escape(text: str) -> str:
    """Text as HTML text: printable, and every special character escaped."""
    return html.escape(printable(text), quote=True)


def html_table(title: str, summary: str, columns: Sequence[str], rows: Rows, caveats: Sequence[str]) -> str:
    """A self-contained `<section>` without script; it inherits the page's colours, light or dark."""
    head = "".join(f'<th scope="col">{escape(column.replace("_", " "))}</th>' for column in columns)
    body = "".join(
        "<tr>" + "".join(_html_cell(column, row.get(column)) for column in columns) + "</tr>" for row in rows
    )
    notes = "".join(f"<li>{escape(caveat)}</li>" for caveat in caveats)
    return (
        '<section class="bizq-result">'
        f"<h3>{escape(title)}</h3><p>{escape(summary)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        + (f'<ul class="bizq-caveats">{notes}</ul>' if notes else "")
        + "</section>"
    )


def markdown_table(title: str, summary: str, columns: Sequence[str], rows: Rows, caveats: Sequence[str]) -> str:
    """GitHub-flavoured Markdown in which no cell can become markup."""
    lines = [f"### {_md(title)}", "", _md(summary), ""]
    lines += ["| " + " | ".join(_md(column) for column in columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(_md(cell_text(column, row.get(column))) for column in columns) + " |" for row in rows]
    if caveats:
        lines += ["", *(f"- {_md(caveat)}" for caveat in caveats)]
    return "\n".join(lines) + "\n"


def text_table(title: str, summary: str, columns: Sequence[str], rows: Rows, caveats: Sequence[str]) -> str:
    """Aligned plain text for a terminal or a log."""
    grid = [list(columns), *([cell_text(column, row.get(column)) for column in columns] for row in rows)]
    grid = [[cell.replace("\n", " ") for cell in line] for line in grid]
    widths = [max(len(line[i]) for line in grid) for i in range(len(columns))]
    lines = [printable(title), ""]
    for number, line in enumerate(grid):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    lines += ["", printable(summary), *(f"! {printable(caveat)}" for caveat in caveats)]
    return "\n".join(lines)


def _html_cell(name: str, cell: Cell) -> str:
    numeric = isinstance(cell, (int, float, Estimate)) and not isinstance(cell, bool)
    style = ' class="bizq-number"' if numeric else ""
    return f"<td{style}>{escape(cell_text(name, cell))}</td>"


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co"} and char != "\u200d"


def _md(text: str) -> str:
    flat = printable(text).replace("\n", " ")
    return "".join("\\" + char if char in "\\`*_{}[]<>#|~$!" else char for char in html.escape(flat, quote=False))
