"""Why does it cost more, or less, than before? The difference of two windows split exactly into its reasons.

An identity of accounting, not an estimate: the parts add up to the nano-dollar, so they carry no interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.core.estimate import Caveat
from bizq_lab.core.money import format_usd
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import NotEnoughData

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell
    from bizq_lab.store import Log

Key = tuple[str, str]
_NANO = 10**9
STEPS = ("volume", "new task types", "ended task types", "choice of models", "cost per task")


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """What one model cost at one task type in a window: decisions, and nano-USD of those with a known cost."""

    n: int
    nano_usd: int

    @property
    def mean(self) -> Fraction:
        """Nano-USD per decision."""
        return Fraction(self.nano_usd, self.n)


@dataclass(frozen=True, kw_only=True, repr=False)
class CostChange(Result):
    """From what was booked before to what is booked now, reason by reason.

    Attributes:
        before_usd: Booked in the window before.
        now_usd: Booked in this window.
        parts_usd: USD by reason, in `STEPS`' order; they add up to `now_usd - before_usd`.
        tasks_before: Decisions before.
        tasks_now: Decisions now.
        label_before: How the window before is called.
        label_now: How this window is called.
    """

    title: ClassVar[str] = "Why the cost changed"
    columns: ClassVar[tuple[str, ...]] = ("step", "change_usd", "total_usd")

    before_usd: Fraction
    now_usd: Fraction
    parts_usd: Mapping[str, Fraction]
    tasks_before: int
    tasks_now: int
    label_before: str = "before"
    label_now: str = "now"

    def summary(self) -> str:
        """What it costs, against before, and the largest reason."""
        now = f"{format_usd(float(self.now_usd))} for {self.tasks_now:,} tasks"
        if not self.tasks_before:
            return f"{now}; there is nothing before it to compare with."
        change = self.now_usd - self.before_usd
        before = f"{format_usd(float(self.before_usd))} for {self.tasks_before:,} before"
        if not change:
            return f"{now}, as much as before."
        name, size = max(self.parts_usd.items(), key=lambda part: (abs(part[1]), part[0]))
        return f"{now}, {before}; the largest reason is {name} ({_signed(size)})."

    def records(self) -> list[dict[str, Cell]]:
        """Start, one row a reason, end; `total_usd` runs along."""
        total = self.before_usd
        rows: list[dict[str, Cell]] = [{"step": self.label_before, "change_usd": None, "total_usd": float(total)}]
        for name, size in self.parts_usd.items():
            total += size
            rows.append({"step": name, "change_usd": float(size), "total_usd": float(total)})
        return [*rows, {"step": self.label_now, "change_usd": None, "total_usd": float(self.now_usd)}]

    def plot(self, ax: Axes | None = None) -> Axes:
        """The steps from before to now."""
        from bizq_lab.viz import waterfall  # noqa: PLC0415 - loads matplotlib

        return waterfall(self.records(), title="Why the cost changed", ax=ax)


def cost_change(
    log: Log,
    *,
    from_us: int,
    to_us: int,
    before_from_us: int,
    before_to_us: int | None = None,
    label_before: str = "before",
    label_now: str = "now",
) -> CostChange:
    """Split the difference of two windows' costs into its reasons.

    Within a task type: `volume` is more or fewer tasks at the cost they had; `choice of models` is what another mix of
    models would have cost at the means before; `cost per task` is what the same models took more per task, prices and
    tokens together. A model that was not used before has no mean before: its own mean now stands in, so that its whole
    effect is one of choice.

    Args:
        log: The log.
        from_us: This window's first instant, UTC microseconds.
        to_us: Its end, not included.
        before_from_us: The first instant of the window before.
        before_to_us: Its end; by default where this window begins.
        label_before: How to call the window before.
        label_now: How to call this window.

    Raises:
        NotEnoughData: This window holds no decision.

    Source:
        The price-volume-mix identity of management accounting.
    """
    now, unpriced_now = _read(log, from_us, to_us)
    before, unpriced_before = _read(log, before_from_us, from_us if before_to_us is None else before_to_us)
    if not now:
        message = "no decision with a known cost in the window"
        raise NotEnoughData(message, hint="run tasks first, or choose another day")
    parts = dict.fromkeys(STEPS, Fraction(0))
    for task_type in {key[0] for key in (*now, *before)}:
        for step, nano in _split(_of(before, task_type), _of(now, task_type)).items():
            parts[step] += nano / _NANO
    unpriced = unpriced_now + unpriced_before
    caveat = Caveat(code="unpriced", message=f"{unpriced} decisions have no known cost and are in no figure")
    return CostChange(
        before_usd=Fraction(sum(b.nano_usd for b in before.values()), _NANO),
        now_usd=Fraction(sum(b.nano_usd for b in now.values()), _NANO),
        parts_usd=parts if before else {},
        tasks_before=sum(b.n for b in before.values()),
        tasks_now=sum(b.n for b in now.values()),
        label_before=label_before,
        label_now=label_now,
        caveats=(caveat,) if unpriced else (),
        provenance=Provenance(view="task_outcome", n_decisions=sum(b.n for b in (*now.values(), *before.values()))),
    )


def _read(log: Log, from_us: int, to_us: int) -> tuple[dict[Key, Booked], int]:
    rows: list[dict[str, Any]] = log.query("cost_change", from_us=from_us, to_us=to_us)
    booked = {
        (row["task_type"], row["model"]): Booked(n=row["priced"], nano_usd=int(row["cost"]))
        for row in rows
        if row["priced"]
    }
    return booked, sum(row["n"] - row["priced"] for row in rows)


def _of(booked: Mapping[Key, Booked], task_type: str) -> dict[str, Booked]:
    return {model: cell for (name, model), cell in booked.items() if name == task_type}


def _split(before: Mapping[str, Booked], now: Mapping[str, Booked]) -> dict[str, Fraction]:
    """Nano-USD by reason, of one task type; adds up to the difference exactly."""
    spent_before, spent_now = (sum(cell.nano_usd for cell in side.values()) for side in (before, now))
    if not before:
        return {"new task types": Fraction(spent_now)}
    if not now:
        return {"ended task types": Fraction(-spent_before)}
    n_before, n_now = (sum(cell.n for cell in side.values()) for side in (before, now))
    mean_before = Fraction(spent_before, n_before)
    at_old_means = sum((cell.n * before.get(model, cell).mean for model, cell in now.items()), Fraction(0))
    return {
        "volume": (n_now - n_before) * mean_before,
        "choice of models": at_old_means - n_now * mean_before,
        "cost per task": spent_now - at_old_means,
    }


def _signed(usd: Fraction) -> str:
    return ("+" if usd > 0 else "") + format_usd(float(usd))
