"""A section of one answer with its own figure. Must not know any question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.core.result import Result
from bizq_lab.errors import InputError
from bizq_lab.reports.section import Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def section(heading: str, question: str, *results: Result, details: tuple[tuple[str, Result], ...] = ()) -> Section:
    """A question, its answers in full, and the figures that they can draw."""
    figures = tuple(axes for result in results for axes in figures_of(result))
    return Section(heading=heading, question=question, results=results, figures=figures, details=details)


def figures_of(result: Result) -> tuple[Axes, ...]:
    """The answer's own figure; an answer that has none, or nothing to draw yet, is a table."""
    if type(result).plot is Result.plot:
        return ()
    try:
        return (result.plot(),)
    except InputError:
        return ()
