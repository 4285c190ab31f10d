"""The report of the main job: how models do, which arm is better, what a success costs, where traffic should go.

Must not compute a statistic: it arranges answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Protocol

from bizq_lab.core.result import Result
from bizq_lab.errors import InputError
from bizq_lab.reports.render import Form, render
from bizq_lab.reports.section import Headline, Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell

_SAID = {
    "winner": "a winner",
    "non_inferior_cheaper": "an arm that is as good and cheaper",
    "no_difference": "no difference that matters",
    "inconclusive": "no decision yet",
    "guardrail_failed": "a failed guardrail",
    "invalid": "an invalid experiment",
}


class Compared(Protocol):
    """What the digest reads of a comparison."""

    @property
    def task_type(self) -> str:
        """What was compared."""

    @property
    def verdict(self) -> str:
        """One of S30's verdicts."""

    def summary(self) -> str:
        """One plain sentence."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdicts(Result):
    """All comparisons at a glance."""

    title: ClassVar[str] = "Verdicts"
    columns: ClassVar[tuple[str, ...]] = ("task_type", "verdict", "finding")

    compared: tuple[Compared, ...]

    def summary(self) -> str:
        """How many task types got which verdict, the most telling first."""
        counts = Counter(comparison.verdict for comparison in self.compared)
        said = [f"{counts[name]} with {words}" for name, words in _SAID.items() if counts[name]]
        return f"{len(self.compared)} comparisons: {', '.join(said)}."

    def records(self) -> list[dict[str, Cell]]:
        """One row a comparison."""
        return [{"task_type": c.task_type, "verdict": c.verdict, "finding": c.summary()} for c in self.compared]


def loop_report(
    *,
    title: str,
    as_of: date,
    performance: Result,
    comparisons: Sequence[Result],
    efficiency: Result,
    proposal: Result,
    facts: Mapping[str, str] | None = None,
    note: str = "",
    form: Form = "html",
) -> str:
    """The main job's report.

    Args:
        title: What the report is about.
        as_of: The date it speaks for.
        performance: How each model does.
        comparisons: One a task type; each also has `task_type` and `verdict`.
        efficiency: What a success costs.
        proposal: The weights to route by.
        facts: Short named facts, in order.
        note: Where the data comes from, when that must not be overlooked.
        form: `html`, `markdown` or `json`.

    Raises:
        InputError: A comparison lacks `task_type` or `verdict`.
    """
    verdicts = Verdicts(compared=tuple(_compared(comparison) for comparison in comparisons))
    headline = Headline(
        working=performance.summary(),
        cost=efficiency.summary(),
        changed=verdicts.summary() if comparisons else "",
        action=proposal.summary(),
    )
    sections = _sections(performance, comparisons, verdicts, efficiency, proposal)
    return render(title, sections, as_of=as_of, headline=headline, facts=facts, note=note, form=form)


def _sections(
    performance: Result, comparisons: Sequence[Result], verdicts: Verdicts, efficiency: Result, proposal: Result
) -> list[Section]:
    """One section a question, in the order in which a reader asks."""
    question = "Which arm is better, and how sure are we?"
    if len(comparisons) == 1:
        compare = _section("Comparison", question, comparisons[0])
    else:
        details = tuple(
            (comparison.task_type, answer) for comparison, answer in zip(verdicts.compared, comparisons, strict=True)
        )
        compare = Section(heading="Comparison", question=question, results=(verdicts,), details=details)
    return [
        _section("Performance", "How does each arm do at each task type?", performance),
        *([compare] if comparisons else []),
        _section("Efficiency", "What does a success cost, and which arm is cheapest?", efficiency),
        _section("Weights", "Where should the traffic go from here?", proposal),
    ]


def _section(heading: str, question: str, result: Result) -> Section:
    return Section(heading=heading, question=question, results=(result,), figures=_figure(result))


def _figure(result: Result) -> tuple[Axes, ...]:
    """The answer's own figure; an answer that has none is a table."""
    return (result.plot(),) if type(result).plot is not Result.plot else ()


def _compared(comparison: Result) -> Compared:
    for name in ("task_type", "verdict"):
        if not isinstance(getattr(comparison, name, None), str):
            message = f"comparison {comparison.title!r} has no {name}"
            raise InputError(message, hint="pass what analysis.compare returned")
    return comparison  # type: ignore[return-value] # checked a line ago
