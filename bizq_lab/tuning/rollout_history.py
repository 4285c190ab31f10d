"""Rollouts as the log tells them: which there were, each step of one, what its last look saw. Decides nothing.

Read from the log alone, so that a past day is told as it was known then, without the plan's file.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.core.estimate import Estimate
from bizq_lab.core.result import Cell, Provenance, Result
from bizq_lab.core.seeded import US_PER_S
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.tuning.rollout_report import in_margins

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.store import Log

STANDS = {"completed": "complete", "rolled_back": "rolled_back", "held": "held"}
"""What a rollout is after its last step; after any other it is ramping."""
UNDER_WAY = frozenset({"ramping", "held"})


@dataclass(frozen=True, kw_only=True, repr=False)
class RolloutList(Result):
    """Every rollout of the log, the one begun last at the end."""

    title: ClassVar[str] = "Rollouts"
    columns: ClassVar[tuple[str, ...]] = ("rollout", "task_type", "arm", "status", "share_percent", "began", "changed")

    rows: tuple[dict[str, Cell], ...]

    @property
    def under_way(self) -> RolloutList:
        """Those that are ramping or held."""
        return replace(self, rows=tuple(row for row in self.rows if row["status"] in UNDER_WAY))

    def summary(self) -> str:
        """How many stand where."""
        counts = Counter(str(row["status"]).replace("_", " ") for row in self.rows)
        said = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
        return f"{said[0].upper()}{said[1:]}." if said else "No rollout."

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a rollout."""
        return [dict(row) for row in self.rows]


@dataclass(frozen=True, kw_only=True, repr=False)
class RolloutHistory(Result):
    """Every step of a rollout, oldest first, with the looks that held.

    Attributes:
        rollout: Its id.
        task_type: Where.
        arm: What ramps up.
        status: `ramping`, `held`, `complete` or `rolled_back`.
        before: The arm's share before it began, in percent.
        ramp: Shares it was to take, in percent; empty where the log does not say.
        rows: As shown, and `step`: whether a row changed anything; a look that held did not.
    """

    title: ClassVar[str] = "Rollout history"
    columns: ClassVar[tuple[str, ...]] = ("at", "action", "percent", "config", "author", "reason")

    rollout: str
    task_type: str
    arm: str
    status: str
    before: int
    ramp: tuple[int, ...]
    rows: tuple[dict[str, Cell], ...]

    @property
    def steps(self) -> tuple[dict[str, Cell], ...]:
        """The rows that changed something."""
        return tuple(row for row in self.rows if row["step"])

    def summary(self) -> str:
        """Where it stands, and why it came there."""
        last = self.steps[-1]
        ramp = f" (ramp {', '.join(map(str, self.ramp))} %)" if self.ramp else ""
        looks = len(self.rows) - len(self.steps)
        held = f" {looks} {'look' if looks == 1 else 'looks'} left it where it was." if looks else ""
        stands = f"{self.status.replace('_', ' ')} at {last['percent']} %"
        return f"{self.arm} at {self.task_type}: {stands}{ramp}; {last['reason']}.{held}"

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a step or look."""
        return [{name: row[name] for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """The arm's share over time, every step marked and named."""
        from bizq_lab.viz import rollout_history  # noqa: PLC0415 - loads matplotlib

        title = f"Share of {self.arm} at {self.task_type}"
        return rollout_history(self.rows, before=self.before, ramp=self.ramp, title=title, ax=ax)


@dataclass(frozen=True, kw_only=True, repr=False)
class RolloutGuardrails(Result):
    """What the last look saw of each guardrail."""

    title: ClassVar[str] = "Guardrails"
    columns: ClassVar[tuple[str, ...]] = ("guardrail", "state", "harm", "margin", "tolerated", "n", "note")

    rows: tuple[dict[str, Cell], ...]
    looked_at: str = ""

    def summary(self) -> str:
        """Which are harmful, which are clear."""
        if not self.rows:
            return "No look has read a guardrail yet."
        named: dict[str, list[str]] = {}
        for row in self.rows:
            named.setdefault(str(row["state"]).replace("_", " "), []).append(str(row["guardrail"]))
        said = "; ".join(f"{state}: {', '.join(names)}" for state, names in named.items())
        return f"{said[0].upper()}{said[1:]}. Looked at {self.looked_at} UTC."

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a guardrail; `harm` is in its own unit, and more is worse."""
        return [dict(row) for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Each guardrail's harm in margins: at 1 it would be as much as is acceptable."""
        return in_margins(self.rows, ax)


def rollouts(log: Log, *, rollout: str | None = None) -> RolloutList:
    """Every rollout of the log, or one.

    Args:
        log: The log.
        rollout: Only the one of this id.
    """
    return RolloutList(
        rows=tuple(
            {
                "rollout": row["rollout"],
                "task_type": row["task_type"],
                "arm": row["arm"],
                "status": STANDS.get(row["action"], "ramping"),
                "share_percent": row["percent"],
                "began": _when(row["began_us"]),
                "changed": _when(row["changed_us"]),
            }
            for row in log.query("rollouts", rollout=rollout)
        ),
        provenance=Provenance(view="config_version"),
    )


def rollout_history(log: Log, rollout: str = "") -> tuple[RolloutHistory, RolloutGuardrails]:
    """The steps of one rollout, and what its last look saw.

    Args:
        log: The log.
        rollout: Its id; by default the one begun last.

    Raises:
        InputError: The log knows no rollout of this id.
        NotEnoughData: The log holds none.
    """
    known = log.query("rollouts", rollout=rollout or None)
    if not known and rollout:
        message = f"rollout == {rollout!r}, is not in the log"
        raise InputError(message, hint="bizq-lab rollout list shows those that are")
    if not known:
        raise NotEnoughData("the log holds no rollout", hint="start one: bizq-lab rollout start routing.json …")
    one = known[-1]
    rows = log.query("rollout_steps", rollout=one["rollout"])
    looked = next((row for row in reversed(rows) if row["evidence"].get("guardrails")), None)
    began: Mapping[str, Any] = next((row["evidence"] for row in rows if "ramp" in row["evidence"]), {})
    history = RolloutHistory(
        rollout=one["rollout"],
        task_type=one["task_type"],
        arm=one["arm"],
        status=STANDS.get(one["action"], "ramping"),
        before=int(began.get("before", 0)),
        ramp=tuple(map(int, began.get("ramp", ()))),
        rows=tuple(map(_row, rows)),
        provenance=Provenance(view="config_version"),
    )
    return history, _guardrails(looked)


def _row(row: Mapping[str, Any]) -> dict[str, Cell]:
    return {
        "at": _when(row["recorded_at_us"], "seconds"),
        "action": row["action"],
        "percent": row["percent"],
        "config": (row["config_hash"] or "")[:12],
        "author": row["author"],
        "reason": row["reason"] or "",
        "step": row["step"],
    }


def _guardrails(look: Mapping[str, Any] | None) -> RolloutGuardrails:
    if look is None:
        return RolloutGuardrails(rows=(), provenance=Provenance(view="config_version"))
    level = 1 - float(look["evidence"].get("alpha", 0.05))
    rows = tuple(
        {
            "guardrail": seen["metric"],
            "state": seen["state"],
            "harm": _harm(seen, level),
            "margin": seen.get("margin"),
            "tolerated": seen.get("tolerated"),
            "n": seen["units"],
            "note": seen.get("why", ""),
        }
        for seen in look["evidence"]["guardrails"]
    )
    return RolloutGuardrails(
        rows=rows,
        looked_at=_when(look["recorded_at_us"]),
        provenance=Provenance(view="config_version", config_hash=look["config_hash"] or ""),
    )


def _harm(seen: Mapping[str, Any], level: float) -> Estimate | None:
    """The harm between the two one-sided bounds that a rollback and an advance are judged by."""
    if seen["harm"] is None:
        return None
    ends = [seen["harm"], seen["at_least"], seen["at_most"]]
    value, lower, upper = (float(end) if end is not None else math.nan for end in ends)
    return Estimate(
        value=value,
        lower=-math.inf if math.isnan(lower) else min(lower, value),
        upper=math.inf if math.isnan(upper) else max(upper, value),
        level=level,
        unit=seen.get("unit", ""),
        n=seen["units"] or 0,
        method=seen.get("method", ""),
    )


def _when(at_us: int, timespec: str = "minutes") -> str:
    """UTC, as a reader writes it."""
    return datetime.fromtimestamp(at_us / US_PER_S, UTC).replace(tzinfo=None).isoformat(" ", timespec)
