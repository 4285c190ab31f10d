"""What a rollout says to people after a look or a step: where it stands with each guardrail. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.core.estimate import Estimate
from bizq_lab.core.result import Cell, Result
from bizq_lab.tuning.guardrails import Reading
from bizq_lab.tuning.rollout_plan import Rollout

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True, repr=False)
class RolloutReport(Result):
    """A rollout after a look or a step.

    Attributes:
        rollout: The plan and its steps so far.
        action: What was done: `advanced`, `completed`, `held`, `rolled_back`, or `none` when it was over already.
        reason: Why.
        readings: Each guardrail, if outcomes were read.
        decisions: Decisions of the rest and of the ramping arm so far.
        alert: Whether somebody should look: it was rolled back, its split is broken, or its config has expired.
    """

    title: ClassVar[str] = "Rollout"
    columns: ClassVar[tuple[str, ...]] = ("guardrail", "state", "harm", "at_most", "margin", "tolerated", "note")

    rollout: Rollout
    action: str
    reason: str
    readings: tuple[Reading, ...] = ()
    decisions: tuple[int, int] = (0, 0)
    alert: bool = False

    def summary(self) -> str:
        """What was done and why."""
        r = self.rollout
        where = f"{r.arm} at {r.task_type}, {r.percent} %" if r.active else f"{r.arm} at {r.task_type}"
        seen = (
            f" {self.decisions[1]:,} decisions met it, {self.decisions[0]:,} the rest." if sum(self.decisions) else ""
        )
        return f"{where}: {self.action.replace('_', ' ')}, {self.reason}.{seen}"

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a guardrail; `harm` is judged by its lower bound."""
        return [
            {
                "guardrail": reading.guardrail.metric,
                "state": reading.state,
                "harm": reading.harm,
                "at_most": reading.ceiling,
                "margin": reading.guardrail.margin,
                "tolerated": reading.guardrail.tolerated,
                "note": reading.why,
            }
            for reading in self.readings
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Each guardrail's harm in margins: at 1 it would be as much as is acceptable."""
        return in_margins(self.records(), ax)


def in_margins(rows: Sequence[Mapping[str, Cell]], ax: Axes | None) -> Axes:
    """Draw every guardrail's harm on one scale: none at 0, as much as is acceptable at 1.

    Raises:
        InputError: None could be read yet.
    """
    from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

    return forest(
        [scaled for row in rows if (scaled := _scaled(row)) is not None],
        label="guardrail",
        estimate="harm",
        reference=0.0,
        margin=1.0,
        better="decrease",
        title="Harm done so far, against what is acceptable",
        xlabel="harm, in margins",
        ax=ax,
    )


def _scaled(row: Mapping[str, Cell]) -> dict[str, Cell] | None:
    harm, margin = row["harm"], row["margin"]
    if not isinstance(harm, Estimate) or not isinstance(margin, float) or not margin > 0:
        return None
    ends = {end: getattr(harm, end) / margin for end in ("value", "lower", "upper")}
    return {"guardrail": row["guardrail"], "harm": replace(harm, unit="margins", **ends)}
