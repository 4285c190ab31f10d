"""How healthy is each model now? One score from success, speed and quality, against the model's own past.

At each task type, over the recent window:

    health = 100 x success x min(1, baseline latency / latency) x min(1, quality / baseline quality)

so 100 is a model that always succeeds, as fast and as well as it used to. A factor that cannot be measured, or has no
baseline yet, is 1, and a caveat says so. The score of a model is the mean over its task types, weighted by their recent
tasks: a change in the mix of tasks does not look like a change of the model. The three intervals are taken at a third
of the error each and multiplied end by end, so that the score's interval holds at least at its level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.analysis.cell_estimates import mean
from bizq_lab.analysis.cells import Cell, read_cells
from bizq_lab.analysis.extent import Window
from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.tails import check_level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

HOUR_US = 3_600_000_000
METHOD = "product of Bonferroni intervals"
Factor = tuple[float, float, float]  # value, lower, upper
Cells = Mapping[tuple[str, str], Cell]  # by task type and model


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRow:
    """One model.

    Attributes:
        model: Assigned model.
        n: Recent outcomes.
        task_types: Task types it worked on.
        health: The score, 0 to 100.
        success: Share of accepted results, as it enters the score.
        speed: Baseline latency over recent latency, at most 1.
        quality_kept: Recent quality over baseline quality, at most 1.
    """

    model: str
    n: int
    task_types: int
    health: Estimate
    success: float
    speed: float
    quality_kept: float

    @property
    def ails(self) -> tuple[str, float]:
        """Which factor costs most, and what it leaves of the score, in [0, 1]."""
        factors = {"success": self.success, "speed": self.speed, "quality": self.quality_kept}
        name = min(factors, key=lambda factor: factors[factor])
        return name, factors[name]


@dataclass(frozen=True, kw_only=True, repr=False)
class ModelHealth(Result):
    """Every model that worked lately, the worst first."""

    title: ClassVar[str] = "Health of the models"
    columns: ClassVar[tuple[str, ...]] = tuple(HealthRow.__dataclass_fields__)

    rows: tuple[HealthRow, ...]

    def score(self, model: str) -> Estimate:
        """Score of one model, 0 to 100.

        Raises:
            NotEnoughData: It did nothing lately.
        """
        for row in self.rows:
            if row.model == model:
                return row.health
        message = f"{model!r} did nothing in the recent window"
        raise NotEnoughData(message, hint=f"known: {', '.join(row.model for row in self.rows)}")

    def summary(self) -> str:
        """The worst, and what ails it."""
        worst = self.rows[0]
        name, kept = worst.ails
        noun = "model" if len(self.rows) == 1 else "models"
        said = f"The least healthy of {len(self.rows)} {noun} is {worst.model} with {worst.health.value:.0f} of 100"
        return f"{said}, most of it lost by {name} ({kept:.0%})." if kept < 1 else f"{said}."

    def records(self) -> list[dict[str, Value]]:
        """One mapping a model."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """The scores."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        return forest(self.records(), label="model", estimate="health", title="Health, 0 to 100", ax=ax)


def model_health(
    log: Log,
    *,
    now_us: int,
    recent_hours: float = 24.0,
    baseline_hours: float = 28 * 24.0,
    min_n: int = 20,
    level: float = 0.95,
) -> ModelHealth:
    """Score every model that worked lately; the formula is this module's first paragraph.

    Args:
        log: The log.
        now_us: The instant of the question, UTC microseconds; windows count back from it.
        recent_hours: Length of the recent window.
        baseline_hours: Length of the baseline, which ends where the recent window begins.
        min_n: Fewest independent tasks of a baseline.
        level: Coverage of the intervals.

    Raises:
        InputError: A length that is not positive.
        NotEnoughData: No outcome in the recent window.
    """
    check_level(level)
    for name, hours in (("recent_hours", recent_hours), ("baseline_hours", baseline_hours)):
        if not hours > 0:
            message = f"{name} == {hours!r}, must be positive"
            raise InputError(message)
    split_us = now_us - round(recent_hours * HOUR_US)
    with log.held():
        recent = _cells(log, Window(from_us=split_us, to_us=now_us + 1))
        before = _cells(log, Window(from_us=split_us - round(baseline_hours * HOUR_US), to_us=split_us))
    if not recent:
        message = f"no outcome in the last {recent_hours:g} hours"
        raise NotEnoughData(message, hint="run tasks first, or ask with longer recent_hours")
    rows, new = scored(recent, before, min_n=min_n, level=level)
    return ModelHealth(
        rows=tuple(rows),
        caveats=no_baseline(new),
        provenance=Provenance(
            view="task_outcome",
            window=f"{recent_hours:g} h against {baseline_hours:g} h",
            n_decisions=sum(cell.n for cell in recent.values()),
        ),
    )


def scored(recent: Cells, before: Cells, *, min_n: int, level: float) -> tuple[list[HealthRow], int]:
    """A row a model, the worst first, and how many recent cells have no baseline of `min_n` independent tasks."""
    known = {key: cell for key, cell in before.items() if cell.units >= min_n}
    by_model: dict[str, list[Cell]] = {}
    for (_, model), cell in recent.items():
        by_model.setdefault(model, []).append(cell)
    rows = [_row(model, cells, known, level) for model, cells in by_model.items()]
    return sorted(rows, key=lambda row: (row.health.value, row.model)), sum(key not in known for key in recent)


def no_baseline(new: int) -> tuple[Caveat, ...]:
    """What a reader must know where cells have nothing to be compared with."""
    message = f"{new} cells have no baseline yet: only their success is scored"
    return (Caveat(code="no_baseline", message=message),) if new else ()


def _cells(log: Log, window: Window) -> dict[tuple[str, str], Cell]:
    return {(c.task_type, c.model): c for c in read_cells(log, window, by_arm=False) if c.n}


def _row(model: str, cells: Sequence[Cell], before: Mapping[tuple[str, str], Cell], level: float) -> HealthRow:
    n = sum(cell.n for cell in cells)
    part = 1 - (1 - level) / 3
    factors = [_factors(cell, before.get((cell.task_type, model)), part) for cell in cells]
    shares = [cell.n / n for cell in cells]
    ends = [100 * sum(w * s[i] * v[i] * q[i] for w, (s, v, q) in zip(shares, factors, strict=True)) for i in range(3)]
    success, speed, quality = (sum(w * found[i][0] for w, found in zip(shares, factors, strict=True)) for i in range(3))
    return HealthRow(
        model=model,
        n=n,
        task_types=len(cells),
        health=Estimate(
            value=ends[0],
            lower=min(ends[1], ends[0]),
            upper=max(ends[2], ends[0]),
            level=level,
            unit="points",
            n=sum(cell.units for cell in cells),
            method=METHOD,
        ),
        success=success,
        speed=speed,
        quality_kept=quality,
    )


def _factors(now: Cell, before: Cell | None, level: float) -> tuple[Factor, Factor, Factor]:
    """Success, speed and quality kept, each with its interval at `level`."""
    success = mean(now, METRICS["success"], level)
    kept = (1.0, 1.0, 1.0) if success is None else (success.value, success.lower, success.upper)
    if before is None:
        return kept, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)
    half = 1 - (1 - level) / 2
    return kept, _ratio(METRICS["latency"], before, now, half), _ratio(METRICS["quality"], now, before, half)


def _ratio(metric: Metric, over: Cell, under: Cell, level: float) -> Factor:
    """One cell's mean over another's, at most 1; 1 where either is unknown."""
    top, bottom = mean(over, metric, level), mean(under, metric, level)
    if top is None or bottom is None or not bottom.value > 0:
        return 1.0, 1.0, 1.0
    least = top.lower / bottom.upper if bottom.upper > 0 else 0.0
    most = top.upper / bottom.lower if bottom.lower > 0 else 1.0
    return min(1.0, top.value / bottom.value), min(1.0, max(0.0, least)), min(1.0, most)
