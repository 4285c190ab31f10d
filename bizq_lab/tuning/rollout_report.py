"""What a rollout says to people: where it stands with each guardrail, and its history. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

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
        """Each guardrail's harm with its bounds, against none."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        rows = [record for record in self.records() if record["harm"] is not None]
        return forest(
            rows, label="guardrail", estimate="harm", reference=0.0, better="decrease", title=self.title, ax=ax
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class RolloutHistory(Result):
    """Every step of a rollout, oldest first."""

    title: ClassVar[str] = "Rollout history"
    columns: ClassVar[tuple[str, ...]] = ("at", "action", "percent", "config", "author", "reason")

    rollout: Rollout
    rows: tuple[dict[str, Cell], ...]

    def summary(self) -> str:
        """Where it stands."""
        r = self.rollout
        ramp = ", ".join(map(str, r.ramp))
        return f"{r.arm} at {r.task_type}: {r.status.replace('_', ' ')}, {len(self.rows)} rows (ramp {ramp} %)."

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a step."""
        return [dict(row) for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """The arm's share before the rollout and now."""
        from bizq_lab.viz import weights  # noqa: PLC0415 - loads matplotlib

        r = self.rollout
        before = r.before()
        return weights(
            {arm: float(share) for arm, share in before.items()},
            {arm: float(share) for arm, share in r.now().items()},
            title=self.title,
            ax=ax,
        )
