"""What does a success cost, and which arm gives the best value? An ordering of arms that says how sure it is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bizq_lab.analysis.cell_estimates import costs_per_success, means
from bizq_lab.analysis.cells import Cell, read_cells
from bizq_lab.analysis.extent import Conditions, Window, read_conditions, read_size
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.analysis.ordering import Efficiency, EfficiencyRow
from bizq_lab.analysis.tradeoff import frontier_shares, steps
from bizq_lab.analysis.value import Worth, dominated_by, measure_of, shrunk_scores, worths
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.result import Provenance
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.ranks import rank_confidence_sets

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.store import Log


RANK_DRAWS, MANY = 10_000, 8
RANK_SEED = 20240401  # of the maxima that rank sets are read against


def efficiency(
    log: Log,
    *,
    catalog: Catalog | None = None,
    task_type: str | None = None,
    experiment: str | None = None,
    from_us: int | None = None,
    to_us: int | None = None,
    level: float = 0.95,
) -> Efficiency:
    """Order the arms of each task type by what they give for the money.

    Args:
        log: The log.
        catalog: Gives the value of a success and the hand-made ordering; without it, arms are ordered by cost per
            success alone.
        task_type: Only this one.
        experiment: Only this one.
        from_us: Decisions at or after this instant, UTC microseconds.
        to_us: Decisions before this instant.
        level: Coverage of the intervals and of the rank sets.

    Raises:
        NotEnoughData: The window holds no outcome.
    """
    window = Window(task_type=task_type, experiment=experiment, from_us=from_us, to_us=to_us)
    with log.held():
        size = read_size(log, window)
        conditions = read_conditions(log, window, size)
        cells = [cell for cell in read_cells(log, window, size=size, conditions=conditions) if cell.n]
    if not cells:
        message = f"no outcome in the log (window: {window})"
        raise NotEnoughData(message, hint="run tasks first, or widen the window")
    types: dict[str, list[Cell]] = {}
    for cell in cells:
        types.setdefault(cell.task_type, []).append(cell)
    rows = [row for name, own in types.items() for row in _ordered(name, own, catalog, level)]
    return Efficiency(
        rows=tuple(rows),
        caveats=_caveats(cells, conditions, catalog),
        provenance=Provenance(
            view="task_outcome",
            window=str(window),
            n_decisions=sum(cell.n for cell in cells),
            catalog_version=catalog.version if catalog else conditions.last("catalog_version"),
        ),
    )


def _ordered(task_type: str, cells: Sequence[Cell], catalog: Catalog | None, level: float) -> list[EfficiencyRow]:
    measure = "quality" if all(measure_of(cell) == "quality" for cell in cells) else "success"
    names = _names(cells)
    net = _worths(names, task_type, catalog, measure, level)
    successes, qualities, costs = (_means(names, metric, level) for metric in ("success", "quality", "cost"))
    dear = dict(zip(names, costs_per_success(list(names.values()), level), strict=True))
    gains = qualities if measure == "quality" else successes
    points = {n: (c.value, g.value) for n in names if (c := costs[n]) is not None and (g := gains[n]) is not None}
    dominated, along = dominated_by(points), steps(points)
    shares = frontier_shares(names, measure, seed=RANK_SEED)
    scores = _scores(task_type, names, net, dear, catalog)
    sets = _rank_sets(net, level)
    order = sorted(names, key=lambda name: (-scores[name], name))
    rows = []
    for rank, name in enumerate(order, start=1):
        cell, success = names[name], successes[name]
        if success is None:
            continue
        best, last, chance = sets.get(name, (1, len(order), None))
        step = along.get(name)
        rows.append(
            EfficiencyRow(
                task_type=task_type,
                rank=rank,
                rank_best=best,
                rank_worst=last,
                arm=name,
                model=cell.model,
                n=cell.n,
                tasks=cell.units,
                success=success,
                quality=qualities[name],
                cost_usd=costs[name],
                cost_per_success_usd=dear[name],
                net_benefit_usd=net[name].estimate if name in net else None,
                p_best=chance,
                dominated_by=dominated.get(name, ""),
                mixed_out_by="" if step is None or name in dominated else step.between,
                icer_usd=None if step is None else step.icer_usd,
                frontier_share=shares.get(name),
            )
        )
    return rows


def _names(cells: Sequence[Cell]) -> dict[str, Cell]:
    """Cells by arm; an arm that ran on several models is several arms, each with its model's name."""
    arms = [cell.arm for cell in cells]
    return {cell.arm if arms.count(cell.arm) == 1 else f"{cell.arm} ({cell.model})": cell for cell in cells}


def _means(names: Mapping[str, Cell], metric: str, level: float) -> dict[str, Estimate | None]:
    return dict(zip(names, means(list(names.values()), METRICS[metric], level), strict=True))


def _worths(
    names: Mapping[str, Cell], task_type: str, catalog: Catalog | None, measure: str, level: float
) -> dict[str, Worth]:
    """Net benefit of each arm, where the catalog gives results a value and the log their costs."""
    if catalog is None:
        return {}
    cells, value_usd = list(names.values()), catalog.task_type(task_type)[0].value_usd
    found = worths(cells, [value_usd] * len(cells), measures=[measure] * len(cells), level=level)
    return {name: own for name, own in zip(names, found, strict=True) if own is not None}


def _scores(
    task_type: str,
    names: Mapping[str, Cell],
    net: Mapping[str, Worth],
    dear: Mapping[str, Estimate | None],
    catalog: Catalog | None,
) -> dict[str, float]:
    """Net benefit shrunk to the hand-made ordering; without a catalog, minus the cost of a success."""
    if catalog is None:
        return {name: -math.inf if cost is None else -cost.value for name, cost in dear.items()}
    listed = {key: rank for rank, key in enumerate(catalog.task_type(task_type)[0].efficiency)}
    prior = {name: listed[cell.model] for name, cell in names.items() if cell.model in listed}
    values = {name: value.estimate.value for name, value in net.items()}
    scores = shrunk_scores(values, {name: cell.units for name, cell in names.items()}, prior)
    return {name: scores.get(name, -math.inf) for name in names}


def _rank_sets(net: Mapping[str, Worth], level: float) -> dict[str, tuple[int, int, float | None]]:
    """Simultaneous rank sets; arms count as independent, which is conservative where they shared their tasks."""
    known = {name: value for name, value in net.items() if math.isfinite(value.se) and value.se > 0}
    if len(known) < 2 or len(known) < len(net):  # noqa: PLR2004 - a rank needs a rival
        return {}
    sets = rank_confidence_sets(
        [value.estimate.value for value in known.values()],
        [value.se for value in known.values()],
        rng=np.random.default_rng(RANK_SEED),
        level=level,
        draws=RANK_DRAWS if len(known) <= MANY else RANK_DRAWS // 5,
    )
    return {name: (found.best, found.worst, found.p_best) for name, found in zip(known, sets, strict=True)}


def _caveats(cells: Sequence[Cell], conditions: Conditions, catalog: Catalog | None) -> tuple[Caveat, ...]:
    found = []
    if catalog is None:
        found.append(
            Caveat(code="no_value", message="Without a catalog nothing is known of a success's value: ordered by cost")
        )
    if any(cell.row["cost_n"] < cell.n for cell in cells):
        found.append(Caveat(code="unpriced", message="Some calls have no known price; their arms have no net benefit"))
    if conditions.several("catalog_version"):
        found.append(Caveat(code="mixed_prices", message="Some arms mix price versions"))
    if any(measure_of(cell) == "success" for cell in cells):
        found.append(Caveat(code="value_by_success", message="Where quality was not measured, success stands for it"))
    if any(cell.row["paired"] not in (0, cell.n + cell.row["pending"]) for cell in cells):
        found.append(Caveat(code="mixed_designs", message="Some arms mix experiments with other traffic"))
    if all(cell.row["paired"] == 0 for cell in cells):
        found.append(
            Caveat(code="not_paired", message="Arms were not given the same tasks: differences may be the tasks'")
        )
    return tuple(found)
