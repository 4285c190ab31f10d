"""A report as one HTML file: no script, no request, inline figures, a strict content security policy.

Must not know any question. Every text passes Jinja's autoescape after `printable`; only tables from `core.markup` and
figures from `viz`, which escape for themselves, go in as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.core.display import printable
from bizq_lab.core.stylesheet import style_for
from bizq_lab.reports.templates import template
from bizq_lab.viz import figure_svg

if TYPE_CHECKING:
    from bizq_lab.reports.section import Report, Section

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class _Drawn(NamedTuple):
    """A section with its parts already markup."""

    anchor: str
    heading: str
    question: str
    figures: list[str]
    tables: list[str]
    details: list[tuple[str, str]]


def to_html(report: Report) -> str:
    """The report as HTML. The same report gives the same bytes."""
    return template("report.html.j2").render(
        policy=POLICY,
        table_style=style_for(range(1, _most_columns(report) + 1)),
        title=printable(report.title),
        as_of=report.as_of.isoformat(),
        note=printable(report.note),
        answers=[(question, printable(answer)) for question, answer in report.headline.answers()],
        facts=[(printable(name), printable(value)) for name, value in report.facts.items()],
        sections=[_draw(number, section) for number, section in enumerate(report.sections, 1)],
    )


def _most_columns(report: Report) -> int:
    """Of the widest table there may be on the page."""
    details = (result for section in report.sections for _, result in section.details)
    results = (result for section in report.sections for result in section.results)
    return max((len(result.columns) for result in (*results, *details)), default=0)


def _draw(number: int, section: Section) -> _Drawn:
    return _Drawn(
        anchor=f"section-{number}",
        heading=printable(section.heading),
        question=printable(section.question),
        figures=[figure_svg(ax, scope=f"{number}.{i}") for i, ax in enumerate(section.figures)],
        tables=[result.to_html(style=False) for result in section.results],
        details=[(printable(name), result.to_html(style=False)) for name, result in section.details],
    )
