"""Fabricated answers for the tests of displays, figures and reports: real classes where they exist, no log needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

from bizq_lab import viz
from bizq_lab.analysis import Comparison, ComparisonRow
from bizq_lab.analysis.verdict import Verdict
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.result import Provenance, Result
from bizq_lab.reports import loop_report, render
from bizq_lab.reports.render import Form

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell

AS_OF = date(2026, 11, 24)


def estimate(value: float, half: float, unit: str = "", method: str = "Wilson score over tasks") -> Estimate:
    """A symmetric estimate."""
    return Estimate(value=value, lower=value - half, upper=value + half, unit=unit, n=40, method=method)


@dataclass(frozen=True, kw_only=True, repr=False)
class ArmTable(Result):
    """Arms with numbers of every kind, and whatever text a test puts in."""

    title: ClassVar[str] = "Arms"
    columns: ClassVar[tuple[str, ...]] = ("arm", "n", "success", "cost_usd", "verdict", "note")

    arms: tuple[str, ...] = ("smollm2-plain", "smollm2-example")
    note: str = ""

    def summary(self) -> str:
        """One sentence with the note in it."""
        return f"{len(self.arms)} arms. {self.note}".strip()

    def records(self) -> list[dict[str, Cell]]:
        """One row an arm."""
        return [
            {
                "arm": arm,
                "n": 1_240 + i,
                "success": estimate(0.5 + i / 100, 0.1, "success"),
                "cost_usd": estimate(1e-5 * (i + 1), 2e-6, "usd", "bootstrap over tasks"),
                "verdict": "winner" if i == 0 else "inconclusive",
                "note": self.note or None,
            }
            for i, arm in enumerate(self.arms)
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Success by arm."""
        return viz.forest(self.records(), estimate="success", title=self.note, ax=ax)


def arm_table(note: str = "") -> ArmTable:
    """An answer with `note` in every place that takes text."""
    return ArmTable(
        arms=(note or "smollm2-plain", "smollm2-example"),
        note=note,
        caveats=(Caveat(code="few", message=note or "Few tasks"),),
        provenance=Provenance(view=note or "task_outcome", n_decisions=80, config_hash="ab" * 32, seed=7),
    )


def comparison(task_type: str = "order.process_batch", verdict: Verdict = "winner", arm: str = "example") -> Comparison:
    """A comparison of two arms on success and cost."""
    rows = tuple(
        ComparisonRow(
            metric=metric,
            role="primary" if metric == "success" else "secondary",
            arm=arm,
            control="plain",
            n=40,
            arm_mean=estimate(0.6, 0.1, unit),
            control_mean=estimate(0.5, 0.1, unit),
            difference=estimate(0.1, 0.08, unit, "paired t over tasks"),
            p_value=0.0004,
            p_adjusted=0.0008,
            reading="better",
        )
        for metric, unit in (("success", "success"), ("cost", "usd"))
    )
    return Comparison(
        task_type=task_type,
        experiment="exp",
        design="paired",
        primary="success",
        margin=0.05,
        alpha=0.05,
        control="plain",
        verdict=verdict,
        winner=arm if verdict == "winner" else "",
        rows=rows,
        caveats=(Caveat(code="few", message=task_type),),
    )


def report_with(note: str = "", *, form: Form = "html", comparisons: int = 2) -> str:
    """A whole report with `note` in every place that takes text."""
    report = loop_report(
        title=note or "The loop, closed once",
        as_of=AS_OF,
        performance=arm_table(note),
        comparisons=[comparison(note or "order.process_batch", arm=note or "example") for _ in range(comparisons)],
        efficiency=arm_table(note),
        proposal=arm_table(note),
        facts={note or "Provider": note or "local"},
        note=note,
    )
    return render(report, form).decode()
