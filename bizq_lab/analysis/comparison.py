"""The answer of a comparison: a verdict, the arm it names, every test behind it. Computes nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from bizq_lab.analysis.metrics import metric_named
from bizq_lab.analysis.verdict import Verdict, oriented
from bizq_lab.core.decision import Design
from bizq_lab.core.estimate import Estimate
from bizq_lab.core.money import format_usd
from bizq_lab.core.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell as Value

Role = Literal["primary", "guardrail", "secondary", "segment", "people"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """One metric of one treatment against the control.

    Attributes:
        metric: Such as `success`.
        role: `primary`, `guardrail` or `secondary`; `segment` for the primary metric of one segment;
            `people` for what people did who took over, which no verdict rests on.
        arm: The treatment.
        control: The control.
        n: Independent units: pairs of a task, or assignment units.
        arm_mean: Mean of the treatment, over complete pairs where paired.
        control_mean: Mean of the control, likewise.
        difference: Treatment minus control.
        p_value: Two-sided.
        p_adjusted: Holm over the treatments for the primary metric, over all secondary tests for the others.
        reading: `better`, `worse`, `equivalent` or `unclear`; a guardrail's `passed`, `failed` or `unclear`.
        superiority: Of ratings, the probability that the treatment's is the higher one, ties counting half, by the
            levels that were given; None for other metrics, or where the ratings are too few.
        segment: Whose tasks, where segments were asked for; else empty.
        shrunk: The segment's difference drawn towards the mean of all segments, by how little it knows.
    """

    metric: str
    role: Role
    arm: str
    control: str
    n: int
    arm_mean: Estimate
    control_mean: Estimate
    difference: Estimate
    p_value: float
    p_adjusted: float
    reading: str
    superiority: Estimate | None = None
    segment: str = ""
    shrunk: Estimate | None = None


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Result):
    """The answer: a verdict, the arm it names, and every test behind it.

    Attributes:
        task_type: What was compared on.
        experiment: Experiment id, or empty.
        design: `paired`, `randomised` or `observational`.
        primary: The metric that decides.
        margin: Non-inferiority margin in units of the primary metric.
        alpha: Two-sided error rate.
        control: Arm compared with.
        verdict: One of S30's.
        winner: The arm the verdict names, or empty.
        rows: Every test.
    """

    title: ClassVar[str] = "Comparison"
    columns: ClassVar[tuple[str, ...]] = tuple(ComparisonRow.__dataclass_fields__)

    task_type: str
    experiment: str
    design: Design
    primary: str
    margin: float
    alpha: float
    control: str
    verdict: Verdict
    winner: str
    rows: tuple[ComparisonRow, ...]

    def main_row(self) -> ComparisonRow:
        """The primary metric of the arm that the verdict names, or of the most promising treatment."""
        primary = [row for row in self.rows if row.role == "primary"]
        named = [row for row in primary if row.arm == self.winner]
        better = metric_named(self.primary).higher_is_better
        return (named or sorted(primary, key=lambda row: -oriented(row.difference, higher_is_better=better)[0]))[0]

    def headline(self) -> str:
        """Verdict, difference and cost in one short line."""
        row = self.main_row()
        cost = next((r for r in self.rows if r.metric == "cost" and r.arm == row.arm), None)
        price = ""
        if cost is not None and row.metric != "cost":
            known = math.isfinite(cost.difference.lower) and math.isfinite(cost.difference.upper)
            price = (
                f"; cost {cost.difference}"
                if known
                else f"; cost {format_usd(cost.difference.value)}, interval unknown"
            )
        noun = "tasks" if self.design == "paired" else "units"
        gap = f"{row.arm} minus {row.control} {row.difference}, n = {row.n} {noun}"
        return f"{self._said()}: {gap}{price}"

    def _said(self) -> str:
        """The verdict in two to five words."""
        match self.verdict:
            case "winner":
                return f"{self.winner} wins"
            case "non_inferior_cheaper":
                return f"{self.winner} is no worse and cheaper"
        return self.verdict.replace("_", " ")

    def summary(self) -> str:
        """What an executive needs: which arm, by how much, how sure."""
        row, sure = self.main_row(), f"{1 - self.alpha:.0%}"
        units = "observation" if row.n == 1 else "observations"
        gap = f"{row.arm} minus {row.control} is {row.difference} ({sure} interval, {row.n} independent {units})"
        match self.verdict:
            case "winner":
                return f"{self.winner} is better at {self.task_type} in {self.primary}: {gap}."
            case "non_inferior_cheaper":
                return (
                    f"{self.winner} does {self.task_type} no worse by more than {self.margin:g}, and for less: {gap}."
                )
            case "no_difference":
                return (
                    f"The arms are equally good at {self.task_type}, to within {self.margin:g} {self.primary}: {gap}."
                )
            case "guardrail_failed":
                return f"The better arm at {self.task_type} breaks a guardrail, so none is recommended: {gap}."
            case "invalid":
                return f"The comparison at {self.task_type} must not be read: see the caveats."
            case "inconclusive":
                return f"The data do not decide which arm is better at {self.task_type}: {gap}."

    def records(self) -> list[dict[str, Value]]:
        """One mapping a test."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """The primary difference of each treatment, with zero and the margin."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        better = metric_named(self.primary).higher_is_better
        rows = [{"arm": r.arm, "difference": r.difference} for r in self.rows if r.role == "primary"]
        return forest(
            rows,
            estimate="difference",
            reference=0.0,
            margin=self.margin or None,
            better="increase" if better else "decrease",
            title=f"{self.task_type}: {self.primary} against {self.control}",
            ax=ax,
        )
