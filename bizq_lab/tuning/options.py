"""What the log says of each arm that weights could be given to, and what traffic gets now. Proposes nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.analysis.cell_estimates import means
from bizq_lab.analysis.cells import Cell, Window, read_cells
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.analysis.value import Worth, measure_of, worths
from bizq_lab.config import ArmSpec
from bizq_lab.core.decision import DEFAULT_ARM
from bizq_lab.core.estimate import Estimate
from bizq_lab.tuning.limits import Limits

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.config import RoutingConfig
    from bizq_lab.store import Log

PERCENT = 100
VALUE_LEVEL = 0.8  # two-sided: the value that is maximised is a 90 % lower bound
FIRM_LEVEL = 0.9  # two-sided: budget and floors are kept at 95 % bounds


class Use(NamedTuple):
    """What an arm takes of one model's rate limits.

    Attributes:
        model: Catalog key.
        share: Of the arm's tasks that this model was assigned.
        tokens: Input and output tokens of a task.
        rpm: The model's requests a minute; None where not stated.
        tpm: Its tokens a minute.
    """

    model: str
    share: float
    tokens: float
    rpm: int | None
    tpm: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One arm at one task type, measured well enough to be given traffic.

    Attributes:
        arm: Arm id, or `default`.
        cell: Its sums.
        worth: Net benefit in USD a task, with the interval whose lower end is maximised.
        success: With the interval whose lower end the floor is held against.
        quality: None where not measured.
        cost_usd: With the interval whose upper end the budget is held against.
        latency_s: With the interval whose upper end the limit is held against; None where not measured.
        uses: What it takes of models with rate limits.
    """

    arm: str
    cell: Cell
    worth: Worth
    success: Estimate
    quality: Estimate | None
    cost_usd: Estimate
    latency_s: Estimate | None
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvidence:
    """One task type: what runs now, what could, and why the rest could not.

    Attributes:
        task_type: Task type.
        value_usd: What a result of quality 1 is worth.
        present: Integer percent by arm, as routed now.
        measured: Arms with enough evidence, by id.
        excluded: Why an arm of the log has no share, by id.
        forbidden: Measured arms that residency or entitlement rules out, and why.
    """

    task_type: str
    value_usd: float
    present: Mapping[str, int]
    measured: Mapping[str, Measured]
    excluded: Mapping[str, str]
    forbidden: Mapping[str, str]

    @property
    def known_present(self) -> Mapping[str, float] | None:
        """Shares of what runs now; None where some of it was never measured."""
        if not self.present or any(arm not in self.measured for arm in self.present):
            return None
        return {arm: percent / PERCENT for arm, percent in self.present.items()}

    @property
    def reference(self) -> Mapping[str, float]:
        """What a proposal is measured against: the present shares, or an equal split where those are unknown."""
        known = self.known_present
        return known if known is not None else dict.fromkeys(self.measured, 1.0 / max(len(self.measured), 1))


def arms_of(log: Log, config: RoutingConfig | None) -> dict[str, ArmSpec]:
    """Arm specifications: the config's, or those of the log where there is no config."""
    if config is not None and config.arms:
        return dict(config.arms)
    rows = log.query("arm_specs")
    return {row["arm"]: ArmSpec(model=row["model"], prompt=row["prompt"]) for row in rows if row["specs"] == 1}


def task_evidence(
    log: Log,
    catalog: Catalog,
    *,
    config: RoutingConfig | None,
    arms: Mapping[str, ArmSpec],
    limits: Limits,
    min_tasks: int,
    window: Window,
) -> list[TaskEvidence]:
    """Evidence by task type: those of the log and those of the config, in the catalog's order.

    Args:
        log: The log.
        catalog: Gives values, and which models are retired.
        config: What runs now; without it, the rules.
        arms: Arms that weights may be given to.
        limits: Rule out models by residency and entitlement.
        min_tasks: Fewest independent tasks or units that count as a measurement.
        window: Which part of the log.
    """
    cells: dict[str, dict[str, Cell]] = {}
    for cell in read_cells(log, window, by_model=False, keep_default=True):
        cells.setdefault(cell.task_type, {})[cell.arm] = cell
    uses = _uses(log, catalog, window)
    routed = dict(config.tasks) if config is not None else {}
    names = [name for name in catalog.task_types if name in cells or name in routed]
    names += sorted((set(cells) | set(routed)) - set(names))
    return [
        _of_type(
            name,
            cells.get(name, {}),
            catalog,
            arms=arms,
            present=_present(routed.get(name)),
            limits=limits,
            uses=uses,
            min_tasks=min_tasks,
        )
        for name in names
    ]


def _of_type(
    task_type: str,
    cells: Mapping[str, Cell],
    catalog: Catalog,
    *,
    arms: Mapping[str, ArmSpec],
    present: Mapping[str, int],
    limits: Limits,
    uses: Mapping[tuple[str, str], tuple[Use, ...]],
    min_tasks: int,
) -> TaskEvidence:
    entry, _ = catalog.task_type(task_type)
    excluded = {
        arm: _unmeasured(cell, min_tasks) or _not_routable(arm, arms, catalog, entry.models)
        for arm, cell in cells.items()
    }
    fit = [arm for arm in cells if not excluded[arm]]
    measure = "quality" if all(measure_of(cells[arm]) == "quality" for arm in fit) else "success"
    found = _measured({arm: cells[arm] for arm in sorted(fit)}, entry.value_usd, measure, task_type, uses)
    excluded |= {arm: "its spread could not be judged" for arm, own in found.items() if own is None}
    measured = {arm: own for arm, own in found.items() if own is not None}
    barred = {arm: limits.forbids(task_type, catalog.resolve(arms[arm].model)) for arm in measured if arm in arms}
    return TaskEvidence(
        task_type=task_type,
        value_usd=entry.value_usd,
        present=present,
        measured=measured,
        excluded={arm: why for arm, why in excluded.items() if why},
        forbidden={arm: why for arm, why in barred.items() if why},
    )


def _unmeasured(cell: Cell, min_tasks: int) -> str:
    """Why the log does not know enough of an arm; empty if it does."""
    if cell.clusters < min_tasks:
        return f"only {cell.clusters} independent tasks, {min_tasks} are needed"
    return "" if cell.row["cost_n"] == cell.n else "some of its calls have no known price"


def _not_routable(arm: str, arms: Mapping[str, ArmSpec], catalog: Catalog, allowed: tuple[str, ...]) -> str:
    """Why an arm may not be given traffic; empty if it may."""
    if arm == DEFAULT_ARM:
        return ""
    if arm not in arms:
        return "the config does not define it"
    key = catalog.resolve(arms[arm].model).key
    if allowed and key not in allowed:
        return f"{key} is not allowed for this task type"
    return f"{key} is retired" if catalog.purpose == "live" and catalog.is_retired(key) else ""


def _measured(
    cells: Mapping[str, Cell],
    value_usd: float,
    measure: str,
    task_type: str,
    uses: Mapping[tuple[str, str], tuple[Use, ...]],
) -> dict[str, Measured | None]:
    """What the log says of each arm; None where its spread could not be judged."""
    own = list(cells.values())
    values = worths(own, [value_usd] * len(own), measures=[measure] * len(own), level=VALUE_LEVEL)
    kinds = (means(own, METRICS[name], FIRM_LEVEL) for name in ("success", "quality", "cost", "latency"))
    found: dict[str, Measured | None] = {}
    for arm, cell, value, success, quality, cost, latency in zip(cells, own, values, *kinds, strict=True):
        if value is None or success is None or cost is None:
            found[arm] = None
            continue
        found[arm] = Measured(
            arm=arm,
            cell=cell,
            worth=value,
            success=success,
            quality=quality,
            cost_usd=cost if math.isfinite(cost.upper) else replace(cost, lower=cost.value, upper=cost.value),
            latency_s=latency,
            uses=uses.get((task_type, arm), ()),
        )
    return found


def _uses(log: Log, catalog: Catalog, window: Window) -> dict[tuple[str, str], tuple[Use, ...]]:
    """Of models with rate limits, by (task type, arm); nothing is asked of the log where no model has any."""
    if all(model.limits.rpm is None and model.limits.tpm is None for model in catalog.models.values()):
        return {}
    params = {name: value for name, value in window.params().items() if name != "workspace_id"}
    rows = log.query("arm_tokens", **params)
    totals: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row["task_type"], row["arm"]
        totals[key] = totals.get(key, 0) + row["n"]
    found: dict[tuple[str, str], list[Use]] = {}
    for row in rows:
        model, key = catalog.models.get(row["model"]), (row["task_type"], row["arm"])
        if model is not None:
            tokens = (row["input_tokens"] + row["output_tokens"]) / row["n"]
            use = Use(model.key, row["n"] / totals[key], tokens, model.limits.rpm, model.limits.tpm)
            found.setdefault(key, []).append(use)
    return {key: tuple(own) for key, own in found.items()}


def _present(routing: object) -> dict[str, int]:
    weights = dict(getattr(routing, "weights", {}) or {})
    return {arm: percent for arm, percent in weights.items() if percent} or {DEFAULT_ARM: PERCENT}
