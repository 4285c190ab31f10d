"""Rows as self-contained HTML for notebooks and reports: no script, no id, no outside reference. Knows no question.

Colours come from the page (`currentColor` and translucent tints), so the same bytes read well on JupyterLab's light
and dark themes, in VS Code and in a report.
"""

from __future__ import annotations

import html
import math
import re
from typing import TYPE_CHECKING

from bizq_lab.core.display import Column, Sheet, cell_text, describe, interval_text, printable
from bizq_lab.core.estimate import Estimate, quantity
from bizq_lab.core.ids import digest
from bizq_lab.core.ranks import ranks
from bizq_lab.core.stylesheet import CLASSES, style_for
from bizq_lab.core.trend import Trend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bizq_lab.core.display import Rows
    from bizq_lab.core.ranks import Ranks
    from bizq_lab.core.result import Cell

_BADGED = frozenset({"verdict", "status", "state", "reading", "health", "action", "decision"})
_GOOD = frozenset(
    {
        "winner",
        "non_inferior_cheaper",
        "better",
        "passed",
        "improved",
        "completed",
        "complete",
        "healthy",
        "advance",
        "done",
        "clear",
    }
)
_WAIT = frozenset(
    {
        *(
            "no_difference",
            "inconclusive",
            "undecided",
            "equivalent",
            "unclear",
            "unchanged",
            "no_evidence",
            "required",
        ),
        *("hold", "held", "pending", "running", "planned", "ramping", "ramped", "quiet", "too_early"),
    }
)
_BAD = frozenset(
    {
        "guardrail_failed",
        "invalid",
        "worse",
        "failed",
        "escalated",
        "roll_back",
        "rolled_back",
        "open",
        "harmful",
        "alert",
    }
)
_WORDS = {"non_inferior_cheaper": "non-inferior, cheaper"}
_BAR_WIDTH, _BAR_HEIGHT = 84, 12
_MOST_BARS = 3
_SPARK_WIDTH, _SPARK_HEIGHT = 96, 18
_NAME_CHARS = 40
_BREAKABLE = re.compile(r"(?<=[a-z0-9][._/])(?=[a-z])")
"""Where a long identifier such as `content.write_blog_post` may break."""


def escape(text: str) -> str:
    """Text as HTML text or attribute value: printable, and every special character escaped."""
    return html.escape(printable(text), quote=True)


def html_table(sheet: Sheet, *, style: bool = True) -> str:
    """A `<section>` with heading, sentence, table, caveats and notes.

    Args:
        sheet: What to show.
        style: Whether to carry the style sheet along; a page that already has it says False.
    """
    title, summary, columns, rows, caveats, notes = sheet
    shown = describe(columns, rows)
    ranked = [ranks([row.get(column.name) for row in rows]) for column in shown]
    items = "".join(f"<li>{escape(caveat)}</li>" for caveat in caveats)
    return (
        f'<section class="{CLASSES}">'
        + (f"<style>{style_for(k for k, of in enumerate(ranked, 1) if of)}</style>" if style else "")
        + f"<h3>{escape(title)}</h3><p>{escape(summary)}</p>"
        + (
            f'<div class="bizq-scroll" role="group" aria-label="{escape(title)}" tabindex="0">'
            f"{_table(shown, rows, ranked)}</div>"
            if rows  # an answer without rows is its sentence
            else ""
        )
        + (f'<ul class="bizq-caveats">{items}</ul>' if items else "")
        + (f'<p class="bizq-notes">{escape(notes)}</p>' if notes else "")
        + "</section>"
    )


def _table(shown: Sequence[Column], rows: Rows, ranked: Sequence[Ranks]) -> str:
    scales = [_scale(column, rows) for column in shown]
    if sum(scale is not None for scale in scales) > _MOST_BARS:  # a wide table needs its width for numbers
        scales = [None] * len(shown)
    head = "".join(_heading(column) for column in shown)
    body = "".join(
        f"<tr{_places(ranked, number)}>"
        + "".join(_cell(c, row.get(c.name), s) for c, s in zip(shown, scales, strict=True))
        + "</tr>"
        for number, row in enumerate(rows)
    )
    sort = _controls(shown, ranked, f"bizq{digest(head, body)[:6]}") if any(ranked) else ""
    return f"<table><thead><tr>{head}</tr>{sort}</thead><tbody>{body}</tbody></table>"


def _places(ranked: Sequence[Ranks], row: int) -> str:
    """The rank of a row in each column that can be sorted, for the style sheet; integers alone."""
    places = [f"--c{k}:{column[row]}" for k, column in enumerate(ranked, 1) if column and column[row] is not None]
    return f' style="{";".join(places)}"' if places else ""


def _controls(shown: Sequence[Column], ranked: Sequence[Ranks], group: str) -> str:
    """A row of radio buttons below the headings: two a column, and in the first one more that undoes them.

    They are not inside the headings, for those are read aloud with every cell.
    """

    def radio(label: str) -> str:
        return f'<input type="radio" name="{group}" aria-label="{escape(label)}">'

    undo = f"<span>{radio('as listed')}</span>"
    cells: list[str] = []
    for column, sorts in zip(shown, ranked, strict=True):
        kind = ' class="bizq-number"' if column.numeric else ""
        buttons = "".join(radio(f"{column.label} {way}") for way in ("ascending", "descending")) if sorts else ""
        cells.append(f"<td{kind}>{buttons}{'' if cells else undo}</td>")
    return f'<tr class="bizq-sort" hidden>{"".join(cells)}</tr>'


def _heading(column: Column) -> str:
    unit = column.heading[len(column.label) :].strip()
    kind = ' class="bizq-number"' if column.numeric else ""
    return f'<th scope="col"{kind}>{escape(column.label)}{f" <small>{escape(unit)}</small>" if unit else ""}</th>'


def _cell(column: Column, cell: Cell, scale: tuple[float, float] | None) -> str:
    if isinstance(cell, Estimate):
        unit = "" if column.unit or cell.unit in {"usd", "s", ""} else f" {cell.unit}"
        value = escape(quantity(cell.value, cell.unit) + unit).replace(" ", "\N{NO-BREAK SPACE}")
        bar = "" if scale is None else _bar(cell, *scale)
        return f'<td class="bizq-number">{value} <small>{escape(interval_text(cell))}</small>{bar}</td>'
    if isinstance(cell, Trend):
        return f"<td>{_sparkline(cell, column.label)}</td>"
    text = escape(cell_text(column.name, cell))
    if isinstance(cell, str):
        kind = "bizq-name" if len(text) <= _NAME_CHARS else "bizq-text"
        words = text.replace("_", " ") if column.name in _BADGED else _BREAKABLE.sub("<wbr>", text)
        return f'<td class="{kind}">{_badge(column.name, cell) or words}</td>'
    kind = ' class="bizq-number"' if column.numeric else ""
    return f"<td{kind}>{text}</td>"


def _badge(name: str, value: str) -> str:
    """A pill for a known state; its colour only repeats what its words say."""
    if name not in _BADGED or value not in _GOOD | _WAIT | _BAD:
        return ""
    tone = " bizq-good" if value in _GOOD else " bizq-bad" if value in _BAD else ""
    return f'<span class="bizq-badge{tone}">{_WORDS.get(value, value.replace("_", " "))}</span>'


def _scale(column: Column, rows: Rows) -> tuple[float, float] | None:
    """The range that all intervals of a column share; None where bars could not be compared."""
    cells = [cell for row in rows if isinstance(cell := row.get(column.name), Estimate)]
    ends = [end for cell in cells for end in (cell.lower, cell.value, cell.upper) if math.isfinite(end)]
    same_unit = len({cell.unit for cell in cells}) == 1
    if len(cells) < 2 or not same_unit or min(ends, default=0.0) == max(ends, default=0.0):  # noqa: PLR2004 - one bar compares nothing
        return None
    return min(*ends), max(*ends)


def _bar(cell: Estimate, low: float, high: float) -> str:
    """The interval as a line, the value as a dot and zero as a tick, on the column's common scale."""

    def x(value: float) -> str:
        share = (min(max(value, low), high) - low) / (high - low)
        return f"{4 + share * (_BAR_WIDTH - 8):.1f}"

    middle = _BAR_HEIGHT // 2
    zero = f'<path d="M{x(0.0)} 0V{_BAR_HEIGHT}" opacity=".45"/>' if low < 0 < high else ""
    return (
        f'<svg class="bizq-bar" width="{_BAR_WIDTH}" height="{_BAR_HEIGHT}" aria-hidden="true" '
        f'fill="none" stroke="currentColor">{zero}<path d="M{x(cell.lower)} {middle}H{x(cell.upper)}" opacity=".6"/>'
        f'<circle cx="{x(cell.value)}" cy="{middle}" r="3" fill="currentColor" stroke="none"/></svg>'
    )


def _sparkline(trend: Trend, name: str) -> str:
    """The values as a line with a dot at the last one; read aloud as its first and last."""
    steps = max(len(trend.values) - 1, 1)

    def place(step: float, height: float) -> str:
        x = 3 + (_SPARK_WIDTH - 6) * step / steps
        return f"{x:.1f} {3 + (_SPARK_HEIGHT - 6) * (1 - height):.1f}"

    runs = trend.runs()
    lines = "".join(f'<path d="M{" L".join(place(*point) for point in _drawn(run))}"/>' for run in runs)
    end = place(*runs[-1][-1]).split() if runs else []
    dot = f'<circle cx="{end[0]}" cy="{end[1]}" r="2.5" fill="currentColor" stroke="none"/>' if end else ""
    seen = [cell_text(name.replace(" ", "_"), value) for value in (*trend.seen[:1], *trend.seen[-1:])]
    said = f"{name}: {seen[0]} to {seen[1]} over {len(trend.values)} steps" if seen else f"{name}: nothing yet"
    return (
        f'<svg class="bizq-spark" width="{_SPARK_WIDTH}" height="{_SPARK_HEIGHT}" role="img" '
        f'aria-label="{escape(said)}" fill="none" stroke="currentColor">{lines}{dot}</svg>'
    )


def _drawn(run: list[tuple[int, float]]) -> list[tuple[float, float]]:
    """A lone value is a short stroke, for a line of one point is invisible."""
    if len(run) > 1:
        return [(float(step), height) for step, height in run]
    (step, height) = run[0]
    return [(step - 0.15, height), (step + 0.15, height)]
