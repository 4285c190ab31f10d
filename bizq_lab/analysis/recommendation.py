"""Which model should do a task type, how sure is that, why, and what else would do? The specification's recommendation.

The best model is the one of highest net benefit, `value_usd x quality - cost` (S7). The confidence is the probability
that it is the best of those with enough data, under independent beliefs of Student's t form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bizq_lab.analysis.cell_estimates import mean
from bizq_lab.analysis.cells import Cell, read_cells
from bizq_lab.analysis.extent import Window
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.analysis.value import Worth, measure_of, worth
from bizq_lab.core.display import printable
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.money import format_usd
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.bayes import NormalPosterior, best_arm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.catalog import Catalog
    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

DAY_US, SEED = 86_400_000_000, 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPerformance:
    """One model at the task type.

    Attributes:
        model: Assigned model.
        n: Outcomes.
        success: Share of accepted results.
        quality: Mean quality; None where not measured.
        cost_usd: Mean cost of a task.
        latency_s: Mean seconds.
        rating: Mean rating of those who rated.
        net_benefit_usd: Worth of a task's quality, minus its cost.
        probability: That this model is the best.
        loss_usd: Expected shortfall of a task behind the best.
    """

    model: str
    n: int
    success: Estimate | None
    quality: Estimate | None
    cost_usd: Estimate | None
    latency_s: Estimate | None
    rating: Estimate | None
    net_benefit_usd: Estimate
    probability: float
    loss_usd: float


@dataclass(frozen=True, kw_only=True, repr=False)
class ModelRecommendation(Result):
    """The specification's `ModelRecommendation`, as an answer.

    Attributes:
        task_type: Task type.
        rows: Every model that was weighed, best first.
        value_usd: What a result of quality 1 is worth.
        measure: `quality`, or `success` where quality was not measured on every outcome.
    """

    title: ClassVar[str] = "Recommendation"
    columns: ClassVar[tuple[str, ...]] = tuple(ModelPerformance.__dataclass_fields__)

    task_type: str
    rows: tuple[ModelPerformance, ...]
    value_usd: float
    measure: str

    @property
    def recommended_model(self) -> str:
        """Key of the model of highest net benefit."""
        return self.rows[0].model

    @property
    def confidence(self) -> float | None:
        """Probability that it is the best; None where it is the only one that was tried."""
        return self.rows[0].probability if len(self.rows) > 1 else None

    @property
    def alternative_models(self) -> tuple[str, ...]:
        """The other models that were weighed, best first."""
        return tuple(row.model for row in self.rows[1:])

    @property
    def performance_metrics(self) -> Mapping[str, ModelPerformance]:
        """What each of them did, by model."""
        return {row.model: row for row in self.rows}

    @property
    def reasoning(self) -> str:
        """Why, from the figures themselves."""
        best = self.rows[0]
        cost = "" if best.cost_usd is None else f" at {format_usd(best.cost_usd.value)} a task"
        did = getattr(best, self.measure)
        said = f"{best.model} is worth {format_usd(best.net_benefit_usd.value)} a task: {did}{cost}"
        if len(self.rows) == 1:
            return f"{said}; no other model was tried"
        second = self.rows[1]
        return (
            f"{said}; it is the best with probability {best.probability:.0%}, before {second.model} with"
            f" {format_usd(second.net_benefit_usd.value)}"
        )

    def summary(self) -> str:
        """The recommendation with its reason."""
        return f"For {self.task_type} use {self.recommended_model}: {self.reasoning}."

    def records(self) -> list[dict[str, Value]]:
        """One mapping a model."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Net benefit of each model."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        title = f"Net benefit at {printable(self.task_type)}"
        return forest(self.records(), label="model", estimate="net_benefit_usd", title=title, ax=ax)


def recommend(
    log: Log,
    *,
    catalog: Catalog,
    task_type: str,
    now_us: int | None = None,
    days: float = 30.0,
    min_n: int = 10,
    level: float = 0.95,
) -> ModelRecommendation:
    """Recommend a model for a task type, from what each did lately.

    Args:
        log: The log.
        catalog: States what a result is worth.
        task_type: Which.
        now_us: The instant of the question, UTC microseconds; None reads the whole log.
        days: How far back from it.
        min_n: Fewest independent tasks of a model that is weighed.
        level: Coverage of the intervals.

    Raises:
        InputError: `days` is not positive.
        NotEnoughData: No model has enough outcomes of known cost.
    """
    if not days > 0:
        message = f"days == {days!r}, must be positive"
        raise InputError(message)
    from_us = None if now_us is None else now_us - round(days * DAY_US)
    window = Window(task_type=task_type, from_us=from_us, to_us=None if now_us is None else now_us + 1)
    cells = {cell.model: cell for cell in read_cells(log, window, by_arm=False) if cell.n}
    enough = {model: cell for model, cell in cells.items() if cell.units >= min_n}
    measure = "quality" if enough and all(measure_of(cell) == "quality" for cell in enough.values()) else "success"
    value_usd = catalog.task_type(task_type)[0].value_usd
    found = {
        model: value
        for model, cell in enough.items()
        if (value := worth(cell, value_usd, measure=measure, level=level)) is not None
    }
    if not found:
        message = f"no model did {min_n} tasks of type {task_type!r} at a known cost"
        raise NotEnoughData(message, hint="run tasks of that type first, or an experiment: bizq-lab experiment plan")
    return ModelRecommendation(
        task_type=task_type,
        rows=_ranked(found, enough, level),
        value_usd=value_usd,
        measure=measure,
        caveats=_caveats(cells, found, measure),
        provenance=Provenance(
            view="task_outcome",
            window=str(window),
            n_decisions=sum(enough[model].n for model in found),
            catalog_version=catalog.version,
            seed=SEED,
        ),
    )


def _ranked(found: Mapping[str, Worth], cells: Mapping[str, Cell], level: float) -> tuple[ModelPerformance, ...]:
    beliefs = [
        NormalPosterior(w.estimate.value, w.se, max(cells[model].clusters - 1, 1), cells[model].units)
        for model, w in found.items()
    ]
    said = best_arm(beliefs, rng=np.random.default_rng(SEED))
    rows = [
        ModelPerformance(
            model=model,
            n=cells[model].n,
            success=mean(cells[model], METRICS["success"], level),
            quality=mean(cells[model], METRICS["quality"], level),
            cost_usd=mean(cells[model], METRICS["cost"], level),
            latency_s=mean(cells[model], METRICS["latency"], level),
            rating=mean(cells[model], METRICS["rating"], level),
            net_benefit_usd=w.estimate,
            probability=said.p_best[place],
            loss_usd=said.expected_loss[place],
        )
        for place, (model, w) in enumerate(found.items())
    ]
    return tuple(sorted(rows, key=lambda row: (-row.net_benefit_usd.value, row.model)))


def _caveats(cells: Mapping[str, Cell], found: Mapping[str, Worth], measure: str) -> tuple[Caveat, ...]:
    notes = []
    left = sorted(set(cells) - set(found))
    if left:
        notes.append(Caveat(code="not_weighed", message=f"For want of tasks or a price: {', '.join(left)}"))
    if len(found) == 1:
        notes.append(Caveat(code="only_one", message="Only one model was tried: there is nothing to be surer than"))
    if measure == "success":
        notes.append(Caveat(code="value_by_success", message="Where quality was not measured, success stands for it"))
    if any(cells[model].row["paired"] < cells[model].n for model in found):
        said = "Routing chose the model of some tasks: unless it chose at random, models met different tasks"
        notes.append(Caveat(code="as_routed", message=said))
    return tuple(notes)
