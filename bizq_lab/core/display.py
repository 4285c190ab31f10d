"""Rows as plain text and Markdown, always made harmless. Knows no question, and of units only how to name them.

Whatever a model, a user or a file wrote is hostile until it went through `printable` (terminals, logs, figures),
`_md` (Markdown) or `markup.escape` (HTML).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.core.estimate import Estimate, quantity
from bizq_lab.core.money import format_usd

if TYPE_CHECKING:
    from bizq_lab.core.result import Cell

    Rows = Sequence[Mapping[str, Cell]]

MISSING = "n/a"
SMALLEST_P = 0.001
"""A p-value below it, in a column named `p_*`, is shown as a bound."""
MAX_CELL_CHARS = 300
MAX_TEXT_COLUMNS = 110
MAX_TEXT_CELL = 44
_UNIT_NAMES = {"usd": "USD", "s": "s"}
_SUFFIX_UNITS = {"_usd": "usd", "_s": "s"}
_MD_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#|~$@]|:(?=//)|(?<=www)\.|^[-+=]", re.IGNORECASE)
_MD_ORDERED = re.compile(r"^(\d+)([.)])(?=\s|$)")


class Sheet(NamedTuple):
    """What a rendering shows of an answer: heading, sentence, rows, reservations, and how it was obtained."""

    title: str
    summary: str
    columns: Sequence[str]
    rows: Rows
    caveats: Sequence[str] = ()
    notes: str = ""


class Column(NamedTuple):
    """How one column is shown. `unit` is empty when cells differ in unit or have none."""

    name: str
    label: str
    unit: str
    numeric: bool

    @property
    def heading(self) -> str:
        """`cost (USD)`: the label with its unit, unless the label already says it."""
        unit = _UNIT_NAMES.get(self.unit, self.unit)
        return f"{self.label} ({unit})" if unit and unit.casefold() not in self.label.casefold().split() else self.label


def describe(columns: Sequence[str], rows: Rows) -> list[Column]:
    """Label, shared unit and alignment of each column."""
    return [_describe(name, [cell for row in rows if (cell := row.get(name)) is not None]) for name in columns]


def _describe(name: str, cells: Sequence[Cell]) -> Column:
    suffix = next((end for end in _SUFFIX_UNITS if name.endswith(end)), "")
    units = {cell.unit for cell in cells if isinstance(cell, Estimate)}
    unit = units.pop() if len(units) == 1 else _SUFFIX_UNITS.get(suffix, "") if not units else ""
    words = printable(name.removesuffix(suffix) or name).replace("_", " ").split()
    numeric = bool(cells) and all(isinstance(c, (int, float, Estimate)) and not isinstance(c, bool) for c in cells)
    return Column(name, " ".join("USD" if word == "usd" else word for word in words), unit, numeric)


def cell_text(name: str, cell: Cell) -> str:
    """One cell as text. The column's name carries the unit: `*_usd`, `*_s`."""
    match cell:
        case None:
            text = MISSING
        case bool():
            text = "yes" if cell else "no"
        case float() if name.endswith("_usd"):
            text = format_usd(cell)
        case float() if name.startswith("p_") and 0 <= cell < SMALLEST_P:
            text = f"<{SMALLEST_P:g}"
        case float():
            text = quantity(cell, "s" if name.endswith("_s") else "")
        case int():
            text = f"{cell:,}"
        case _:
            text = clip(printable(str(cell)), MAX_CELL_CHARS)
    return text


def interval_text(estimate: Estimate) -> str:
    """`[0.402, 0.598]`, in the estimate's unit."""
    return f"[{quantity(estimate.lower, estimate.unit)}, {quantity(estimate.upper, estimate.unit)}]"


def printable(text: str) -> str:
    """Text that can neither steer a terminal nor reorder a line.

    Control characters, bidirectional overrides, invisible formatting, lone surrogates and noncharacters become
    U+FFFD; tabs and exotic line ends become a space; a line feed stays.
    """
    return "".join(_harmless(char) for char in text)


def clip(text: str, limit: int) -> str:
    """Text of at most `limit` columns; what was cut shows as an ellipsis."""
    if columns_of(text) <= limit:
        return text
    kept = text[: limit - 1]
    while columns_of(kept) > limit - 1:
        kept = kept[:-1]
    return kept + "…"


def columns_of(text: str) -> int:
    """Columns that text takes in a fixed-width font: wide East Asian characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def markdown_table(sheet: Sheet) -> str:
    """GitHub-flavoured Markdown in which no cell can become markup."""
    title, summary, columns, rows, caveats, notes = sheet
    shown = describe(columns, rows)
    lines = [f"### {markdown_text(title)}", "", markdown_text(summary), ""]
    lines += ["| " + " | ".join(markdown_text(column.heading) for column in shown) + " |"]
    lines += ["|" + "".join(" ---: |" if column.numeric else " --- |" for column in shown)]
    lines += ["| " + " | ".join(markdown_text(_plain(column, row)) for column in shown) + " |" for row in rows]
    if caveats:
        lines += ["", *(f"- {markdown_text(caveat)}" for caveat in caveats)]
    if notes:
        lines += ["", f"*{markdown_text(notes)}*"]
    return "\n".join(lines) + "\n"


def text_table(sheet: Sheet) -> str:
    """Aligned plain text for a pipe or a log, at most 110 columns wide; wider tables continue below."""
    lines = [printable(sheet.title)]
    for block in side_by_side(sheet, MAX_TEXT_COLUMNS):
        lines.append("")
        for number in range(len(sheet.rows) + 1):
            cells = [_pad(strip.cells[number], strip.width, right=strip.numeric) for strip in block]
            lines.append("  ".join(cells).rstrip())
            if number == 0:
                lines.append("  ".join("-" * strip.width for strip in block))
    lines += ["", printable(sheet.summary), *(f"! {printable(caveat)}" for caveat in sheet.caveats)]
    return "\n".join([*lines, printable(sheet.notes)] if sheet.notes else lines)


class Strip(NamedTuple):
    """One column in a fixed-width font: its heading and its cells, harmless and on one line each, and their width."""

    cells: Sequence[str]
    width: int
    numeric: bool


def side_by_side(sheet: Sheet, width: int) -> list[list[Strip]]:
    """The table as blocks of columns, two spaces apart, that fit the width; each block repeats what names the rows."""
    shown = describe(sheet.columns, sheet.rows)
    grid = [[_one_line(column.heading)] + [_one_line(_plain(column, row)) for row in sheet.rows] for column in shown]
    widths = [max(map(columns_of, cells)) for cells in grid]
    blocks = _blocks(widths, _naming(grid, widths, width), width)
    return [[Strip(grid[i], widths[i], shown[i].numeric) for i in block] for block in blocks]


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line: no markup, no HTML, no automatic link."""
    flat = html.escape(printable(text).replace("\n", " ").strip(), quote=False)
    return _MD_ORDERED.sub(r"\1\\\2", _MD_SPECIAL.sub(r"\\\g<0>", flat))


def _plain(column: Column, row: Mapping[str, Cell]) -> str:
    cell = row.get(column.name)
    if not isinstance(cell, Estimate):
        return cell_text(column.name, cell)
    if column.unit or cell.unit in {"usd", "s", ""}:
        return f"{quantity(cell.value, cell.unit)} {interval_text(cell)}"
    return str(cell)


def _blocks(widths: Sequence[int], names: int, most: int) -> list[list[int]]:
    """Columns that fit side by side; the first `names` columns name the row, so every block repeats them."""
    fixed = list(range(names))
    blocks: list[list[int]] = [[*fixed]]
    for i in range(names, len(widths)):
        used = sum(widths[j] + 2 for j in blocks[-1])
        if len(blocks[-1]) > names and used + widths[i] > most:
            blocks.append([*fixed])
        blocks[-1].append(i)
    return blocks


def _naming(grid: Sequence[Sequence[str]], widths: Sequence[int], most: int) -> int:
    """How many leading columns tell every row apart; one, if that takes more than half of the width."""
    for count in range(1, len(grid)):
        if sum(widths[:count]) > most // 2:
            break
        rows = list(zip(*grid[:count], strict=True))
        if len(set(rows)) == len(rows):
            return count
    return min(1, len(grid))


def _one_line(text: str) -> str:
    return clip(text.replace("\n", " "), MAX_TEXT_CELL)


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - columns_of(text))
    return space + text if right else text + space


def _harmless(char: str) -> str:
    if char == "\n" or " " <= char <= "~":
        return char
    category = unicodedata.category(char)
    if char == "\t" or category in {"Zl", "Zp"}:
        return " "
    code = ord(char)
    noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF  # noqa: PLR2004 - the standard's own ranges
    joins_emoji = char == "\N{ZERO WIDTH JOINER}"
    if noncharacter or (category in {"Cc", "Cf", "Cs", "Co"} and not joins_emoji):
        return "\N{REPLACEMENT CHARACTER}"
    return char
