"""The report of the main job: how arms do, which is better, what a success costs, where traffic should go.

Must not compute a statistic: it arranges answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.core.result import Result
from bizq_lab.reports.figures import figures_of, section
from bizq_lab.reports.section import Headline, Report, Section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.analysis import Comparison
    from bizq_lab.core.result import Cell

_SAID = {
    "winner": "a winner",
    "non_inferior_cheaper": "an arm that is no worse and cheaper",
    "no_difference": "no difference that matters",
    "inconclusive": "no decision yet",
    "guardrail_failed": "a failed guardrail",
    "invalid": "an invalid experiment",
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Verdicts(Result):
    """Several comparisons at a glance, each by its primary metric.

    Attributes:
        compared: The comparisons, one a task type.
    """

    title: ClassVar[str] = "Verdicts"
    columns: ClassVar[tuple[str, ...]] = ("task_type", "verdict", "winner", "arm", "control", "difference", "n")

    compared: tuple[Comparison, ...]

    def summary(self) -> str:
        """How many task types got which verdict, the most telling first."""
        counts: Counter[str] = Counter(comparison.verdict for comparison in self.compared)
        said = [f"{counts[name]} with {words}" for name, words in _SAID.items() if counts[name]]
        return f"Of {len(self.compared)} comparisons, {', '.join(said)}."

    def records(self) -> list[dict[str, Cell]]:
        """One row a comparison; `difference` is arm minus control in the primary metric."""
        rows: list[dict[str, Cell]] = []
        for comparison in self.compared:
            main = comparison.main_row()
            rows.append(
                {
                    "task_type": comparison.task_type,
                    "verdict": comparison.verdict,
                    "winner": comparison.winner or None,
                    "arm": main.arm,
                    "control": main.control,
                    "difference": main.difference,
                    "n": main.n,
                }
            )
        return rows

    def plot(self, ax: Axes | None = None) -> Axes:
        """The primary difference of each task type on one scale; one metric only, since scales do not mix."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        primary = self.compared[0].primary
        rows = [
            row for row, comparison in zip(self.records(), self.compared, strict=True) if comparison.primary == primary
        ]
        return forest(
            rows,
            label="task_type",
            estimate="difference",
            reference=0.0,
            title=f"Difference in {primary}, arm minus control",
            ax=ax,
        )


def loop_report(
    *,
    title: str,
    as_of: date,
    performance: Result,
    comparisons: Sequence[Comparison],
    efficiency: Result,
    proposal: Result,
    facts: Mapping[str, str] | None = None,
    note: str = "",
) -> Report:
    """The main job's report.

    Args:
        title: What the report is about.
        as_of: The date it speaks for.
        performance: How each arm does.
        comparisons: One a task type; may be empty.
        efficiency: What a success costs.
        proposal: The weights to route by.
        facts: Short named facts, in order.
        note: Where the data comes from, when that must not be overlooked.
    """
    verdicts = Verdicts(compared=tuple(comparisons))
    sections = [
        section("Performance", "How does each arm do at each task type?", performance),
        *([_comparison(verdicts)] if comparisons else []),
        section("Efficiency", "What does a success cost, and which arm gives the best value?", efficiency),
        section("Weights", "Where should the traffic go from here?", proposal),
    ]
    headline = Headline(
        working=performance.summary(),
        cost=efficiency.summary(),
        changed=verdicts.summary() if comparisons else "",
        action=proposal.summary(),
    )
    return Report(
        title=title, sections=tuple(sections), as_of=as_of, headline=headline, facts=dict(facts or {}), note=note
    )


def _comparison(verdicts: Verdicts) -> Section:
    question = "Which arm is better, and how sure are we?"
    if len(verdicts.compared) == 1:
        return section("Comparison", question, verdicts.compared[0])
    details = tuple((comparison.task_type, comparison) for comparison in verdicts.compared)
    return Section(
        heading="Comparison", question=question, results=(verdicts,), figures=figures_of(verdicts), details=details
    )
