"""A report as a mail: a text part, HTML of less than 100 KB without SVG or script, figures as PNG by content id.

Must not know any question, and sends nothing. Mail programs drop style sheets, so every style stands inline; they clip
long messages, so long tables end early and say so. The same report gives the same bytes: ids and boundaries derive
from its content, and its date is the report's own.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.core.display import cell_text, clip, describe, interval_text, printable
from bizq_lab.core.estimate import Estimate, quantity
from bizq_lab.core.ids import digest
from bizq_lab.core.markup import escape
from bizq_lab.reports.templates import template
from bizq_lab.viz import figure_png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bizq_lab.core.display import Column, Sheet
    from bizq_lab.core.result import Cell
    from bizq_lab.reports.section import Report

MOST_HTML_BYTES = 100_000
ROWS_BY_TRY = (25, 10, 5, 0)
MAIL_DPI = 110
_DOMAIN = "report.bizq-lab.invalid"
_CELL = "padding:4px 10px 4px 0;border-bottom:1px solid #d5dae0;vertical-align:top;"


class _Part(NamedTuple):
    """A section as the template shows it."""

    question: str
    images: list[tuple[str, str]]
    tables: list[str]


def to_mail(report: Report) -> EmailMessage:
    """The report as a message without sender and receiver.

    Long tables are cut further, at last to nothing but their sentence, until the HTML is below 100 KB.
    """
    images: dict[str, bytes] = {}
    names = _draw(report, images)
    html = next(
        (text for rows in ROWS_BY_TRY if len((text := _html(report, names, rows)).encode()) <= MOST_HTML_BYTES), ""
    )
    message = EmailMessage(policy=SMTP)
    message["Subject"] = clip(printable(f"{report.title}, {report.as_of.isoformat()}").replace("\n", " "), 150)
    message["Date"] = format_datetime(datetime.combine(report.as_of, time(), UTC))
    message["Message-ID"] = f"<{digest(html)[:32]}@{_DOMAIN}>"
    message.set_content(to_text(report), cte="base64")
    if html:
        message.add_alternative(html, subtype="html", cte="base64")
        related = message.get_payload()[-1]  # type: ignore[index] # a multipart's payload is a list of parts
        for name, png in images.items():
            related.add_related(png, "image", "png", cid=f"<{name}@{_DOMAIN}>", disposition="inline")  # type: ignore[union-attr]
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{digest(html, str(number))[:40]}")
    return message


def to_text(report: Report) -> str:
    """The report in plain words: the first screen, and each section's sentences."""
    lines = [printable(report.title), f"As of {report.as_of.isoformat()}", ""]
    lines += [f"{printable(report.note)}\n"] if report.note else []
    lines += [f"{question}\n  {printable(answer)}\n" for question, answer in report.headline.answers()]
    lines += [f"{printable(name)}: {printable(value)}" for name, value in report.facts.items()]
    for section in report.sections:
        lines += ["", f"== {printable(section.question)}"]
        for result in section.results:
            lines += [printable(result.summary()), *(f"! {printable(str(caveat))}" for caveat in result.caveats)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _draw(report: Report, images: dict[str, bytes]) -> list[list[tuple[str, str]]]:
    """Every figure as PNG under its name; name and alternative text by section."""
    names = []
    for number, section in enumerate(report.sections, 1):
        own = []
        for i, ax in enumerate(section.figures):
            name = f"figure-{number}-{i}"
            images[name] = figure_png(ax, dpi=MAIL_DPI)
            own.append((name, printable(str(ax.get_label())) or section.heading))
        names.append(own)
    return names


def _html(report: Report, names: list[list[tuple[str, str]]], rows: int) -> str:
    sections = [
        _Part(
            printable(section.question),
            [(f"cid:{name}@{_DOMAIN}", alt) for name, alt in own],
            [_table(result.sheet(), rows) for result in section.results],
        )
        for section, own in zip(report.sections, names, strict=True)
    ]
    return template("mail.html.j2").render(
        title=printable(report.title),
        as_of=report.as_of.isoformat(),
        note=printable(report.note),
        answers=[(question, printable(answer)) for question, answer in report.headline.answers()],
        facts=[(printable(name), printable(value)) for name, value in report.facts.items()],
        sections=sections,
    )


def _table(sheet: Sheet, most: int) -> str:
    """A table with inline styles; its first `most` rows."""
    columns = describe(sheet.columns, sheet.rows)
    parts = [f'<h3 style="margin:14px 0 2px;font-size:15px">{escape(sheet.title)}</h3>', _paragraph(sheet.summary)]
    if most and sheet.rows:
        head = "".join(f'<th align="{_align(c)}" style="{_CELL}">{escape(c.heading)}</th>' for c in columns)
        body = "".join(f"<tr>{_row(columns, [row.get(c.name) for c in columns])}</tr>" for row in sheet.rows[:most])
        style = "border-collapse:collapse;font-size:13px"
        parts.append(f'<table role="table" style="{style}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')
    if len(sheet.rows) > most:
        parts.append(_paragraph(f"{len(sheet.rows) - most} more rows are in the full report."))
    parts += [_paragraph(f"Note: {caveat}") for caveat in sheet.caveats]
    return "".join(parts)


def _row(columns: Sequence[Column], cells: Sequence[Cell]) -> str:
    return "".join(
        f'<td align="{_align(column)}" style="{_CELL}">{escape(_text(column, cell))}</td>'
        for column, cell in zip(columns, cells, strict=True)
    )


def _text(column: Column, cell: Cell) -> str:
    if isinstance(cell, Estimate):
        return f"{quantity(cell.value, cell.unit)} {interval_text(cell)}"
    return cell_text(column.name, cell)


def _align(column: Column) -> str:
    return "right" if column.numeric else "left"


def _paragraph(text: str) -> str:
    return f'<p style="margin:2px 0 8px">{escape(text)}</p>'
