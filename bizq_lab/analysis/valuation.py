"""One task type's traffic, valued under a policy and what it is compared with. Reads nothing, refuses nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bizq_lab.analysis.metrics import METRICS
from bizq_lab.analysis.policy_value import (
    Decided,
    Estimators,
    Scale,
    doubly_robust_value,
    value_as_logged,
    value_policy,
)
from bizq_lab.analysis.target_policy import Policy, TargetPolicy
from bizq_lab.analysis.traffic import Aim, Row, Traffic
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.importance import Logged, WeightDiagnostics, effective_sample_size, weight_diagnostics
from bizq_lab.stats.off_policy import PolicyValue, ips
from bizq_lab.stats.policy_values import value_difference
from bizq_lab.stats.types import Floats

if TYPE_CHECKING:
    from bizq_lab.analysis.evaluation import Basis

UNKNOWN_UNIT = "-"
METRIC_NAMES = ("success", "quality", "cost", "latency", "net_benefit", "utility")
UNITS = {
    **{name: METRICS[name].unit for name in METRIC_NAMES if name in METRICS},
    "net_benefit": "usd",
    "utility": "usd",
}


class Lay(NamedTuple):
    """Policies laid over some traffic, and the part of it that supports them all.

    Attributes:
        traffic: All of it.
        aims: One for each policy.
        kept: Shape (entries,). The part.
        missing: Arms without support somewhere.
        size: Effective decisions, or complete paired tasks; 0 where nothing can be valued.
    """

    traffic: Traffic
    aims: tuple[Aim, ...]
    kept: NDArray[np.bool_]
    missing: frozenset[str]
    size: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Valued:
    """One task type.

    Attributes:
        task_type: Task type.
        basis: How it was valued.
        n: Decisions, or paired tasks.
        traffic_n: Decisions of the log it stands for.
        ess: Effective sample size.
        left_out: Decisions without full support.
        infeasible: Of those, how many nothing could serve.
        weights: Diagnostics; None for paired tasks.
        values: (value, reference) by metric.
        estimators: By metric; empty for paired tasks.
    """

    task_type: str
    basis: Basis
    n: int
    traffic_n: int
    ess: float
    left_out: int
    infeasible: int
    weights: WeightDiagnostics | None
    values: Mapping[str, tuple[PolicyValue, PolicyValue | None]]
    estimators: Mapping[str, Estimators]


def laid(traffic: Traffic, policies: Sequence[TargetPolicy]) -> Lay:
    """Lay the policies over the traffic, and find the part in which all they may do could have been logged."""

    def asking(policy: TargetPolicy) -> Callable[[Row], Policy]:
        return lambda row: policy.policy(
            traffic.task_type, row["context"] or {}, row["task_input"], row["any_unit"] or UNKNOWN_UNIT
        )

    aims = tuple(traffic.aim(asking(policy)) for policy in policies)
    kept = np.ones(traffic.size.size, dtype=np.bool_)
    for aim in aims:
        kept &= aim.supported & (_complete(traffic, aim) if traffic.design == "paired" else True)
    units = np.unique(traffic.clusters[kept]).size
    size = float(units)
    if traffic.design != "paired":
        weights = aims[0].shares[np.arange(kept.size), traffic.taken] / traffic.decided.propensity
        size = effective_sample_size(weights[kept], traffic.size[kept])
    missing = frozenset[str]().union(*(aim.missing for aim in aims))
    return Lay(traffic, aims, kept, missing, size if units > 1 else 0.0)


def valued(lay: Lay, value_usd: float, *, level: float, seed: int) -> Valued:
    """Every metric of the task type under the first policy and under what it is compared with.

    Args:
        lay: Where the policies are supported.
        value_usd: What a result of quality 1 is worth.
        level: Coverage of the intervals.
        seed: Of the folds.
    """
    traffic, paired = lay.traffic, lay.traffic.design == "paired"
    values: dict[str, tuple[PolicyValue, PolicyValue | None]] = {}
    estimators: dict[str, Estimators] = {}
    decided = traffic.decided.only(lay.kept)
    folds, logged = None, None
    if not paired:
        folds, logged = decided.folds(seed), traffic.logged_shares()
    for metric in _known(traffic):
        found: list[PolicyValue] = []
        scale = Scale(UNITS[metric], level, METRICS[metric].support if metric in METRICS else None)
        for aim in lay.aims:
            total, shares = _reward(traffic, metric, value_usd, aim)[lay.kept], aim.shares[lay.kept]
            if folds is None:
                found.append(_over_tasks(decided, total, shares, scale))
                continue
            if metric not in estimators:
                estimators[metric] = value_policy(decided, total, shares, folds, scale)
                found.append(estimators[metric].headline)
            else:
                found.append(doubly_robust_value(decided, total, shares, folds, scale))
        if folds is not None and len(found) == 1:
            reward = _reward(traffic, metric, value_usd, lay.aims[0])[lay.kept]
            found.append(
                value_as_logged(decided, reward, scale)
                if logged is None
                else doubly_robust_value(decided, reward, logged[lay.kept], folds, scale)
            )
        values[metric] = (found[0], found[1] if len(found) > 1 else None)
    left_out = traffic.size[~lay.kept].sum()
    target = lay.aims[0].shares[np.arange(lay.kept.size), traffic.taken][lay.kept]
    weighed = Logged.of(decided.size, decided.propensity, np.clip(target, 0.0, 1.0), decided.cluster, decided.size)
    return Valued(
        task_type=traffic.task_type,
        basis="paired" if paired else "off-policy",
        n=int(np.unique(decided.cluster).size if paired else decided.size.sum()),
        traffic_n=int(traffic.size.sum()),
        ess=lay.size,
        left_out=int(left_out),
        infeasible=max(aim.infeasible for aim in lay.aims),
        weights=None if paired else weight_diagnostics(weighed),
        values=values,
        estimators=estimators,
    )


def ran(value: PolicyValue, reference: PolicyValue | None) -> Estimate | None:
    """Value less reference on the same decisions; exactly 0 where the two do the same everywhere."""
    if reference is None:
        return None
    level, unit = value.estimate.level, value.estimate.unit
    try:
        return value_difference(value, reference, unit=unit, level=level).estimate
    except InputError:
        n = value.estimate.n
        return Estimate(value=0.0, lower=0.0, upper=0.0, level=level, unit=unit, n=n, method="the same everywhere")


def _known(traffic: Traffic) -> list[str]:
    """Metrics that every decision has."""
    plain = [name for name in METRIC_NAMES if name in METRICS and traffic.has(name)]
    worth = ["net_benefit"] if "cost" in plain else []
    return [*plain, *worth, *(["utility"] if worth and "latency" in plain else [])]


def _reward(traffic: Traffic, metric: str, value_usd: float, aim: Aim) -> Floats:
    """Shape (entries,). Sum of the reward; utility weighs cost and time as each context does (S7, S11)."""
    if metric in METRICS:
        return traffic.total(metric)
    gain = value_usd * traffic.total("quality" if traffic.has("quality") else "success")
    if metric == "net_benefit":
        return gain - traffic.total("cost")
    return gain - aim.cost_weight * traffic.total("cost") - aim.latency_usd_per_s * traffic.total("latency")


def _complete(traffic: Traffic, aim: Aim) -> NDArray[np.bool_]:
    """Shape (entries,). Whether the entry's task was done by every arm that the policy may choose for it."""
    _, task = np.unique(traffic.clusters, return_inverse=True)
    shape = (int(task.max(initial=-1)) + 1, len(traffic.actions))
    done, wanted = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    done[task, traffic.taken] = True
    np.logical_or.at(wanted, task, aim.shares > 0.0)
    return np.asarray(~(wanted & ~done).any(axis=1).reshape(-1)[task], dtype=np.bool_)


def _over_tasks(decided: Decided, total: Floats, shares: Floats, scale: Scale) -> PolicyValue:
    """Mean over paired tasks of the policy's expected reward, repeats averaged first."""
    labels, first, task = np.unique(decided.cluster, return_index=True, return_inverse=True)
    sums, counts = np.zeros((labels.size, decided.actions)), np.zeros((labels.size, decided.actions))
    np.add.at(sums, (task, decided.action), total)
    np.add.at(counts, (task, decided.action), decided.size)
    expected = (shares[first] * sums / np.maximum(counts, 1.0)).sum(axis=1)
    once = np.ones(labels.size)
    value = ips(Logged.of(expected, once, once, labels), unit=scale.unit, level=scale.level, support=scale.support)
    return replace(value, estimate=replace(value.estimate, method="paired tasks"))
