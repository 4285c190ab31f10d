"""What would another config have cost and scored? Off-policy from randomised decisions, directly from paired ones.

Logged propensities make the first possible, and nothing else does: without exploration and without paired tasks the
question is refused, with what to switch on (S26, S29). The router itself says what the config would do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from bizq_lab.analysis.cells import Window
from bizq_lab.analysis.evaluation import ALL, Basis, EstimatorRow, Estimators, Evaluation, EvaluationRow
from bizq_lab.analysis.logged_traffic import read_traffic
from bizq_lab.analysis.support import caveats, unexplored, unsupported
from bizq_lab.analysis.target_policy import TargetPolicy, capped_arms
from bizq_lab.analysis.traffic import Traffic
from bizq_lab.analysis.valuation import METRIC_NAMES, Valued, laid, ran, valued
from bizq_lab.core.result import Provenance
from bizq_lab.core.snapshot import Evidence
from bizq_lab.errors import InputError
from bizq_lab.stats.policy_values import mixture
from bizq_lab.stats.tails import check_level

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.config import RoutingConfig
    from bizq_lab.store import Log

LOGGED: Literal["logged"] = "logged"


def evaluate(
    log: Log,
    catalog: Catalog,
    config: RoutingConfig | None,
    *,
    against: RoutingConfig | Literal["logged"] | None = LOGGED,
    evidence: Evidence | None = None,
    task_type: str | None = None,
    experiment: str | None = None,
    from_us: int | None = None,
    to_us: int | None = None,
    basis: Literal["auto", "off-policy", "paired"] = "auto",
    level: float = 0.95,
    seed: int = 0,
) -> Evaluation:
    """Value a config on the tasks of the log, without executing anything.

    Of the task types the config routes, each is valued doubly robustly from its randomised decisions, or directly from
    its paired tasks: by whichever has the larger effective sample, which no outcome takes part in choosing. Decisions
    in which the config may do what could not have been logged are left out and counted; where that is all of a task
    type, the question is refused. Rewards are charged to the assigned arm; an answer that never came has quality 0.

    Args:
        log: The log.
        catalog: Models, prices and values of a success.
        config: The config to value; None means the rules alone.
        against: What to compare it with: another config, the rules (None), or what ran, `logged`.
        evidence: What the rules may know of the log; None means the catalog's priors.
        task_type: Only this one; by default those that the config (or the other) routes, or all.
        experiment: Only this experiment's decisions.
        from_us: Decisions at or after this instant, UTC microseconds.
        to_us: Decisions before this instant.
        basis: `off-policy` or `paired` to insist on one.
        level: Coverage of the intervals.
        seed: Of the folds of cross-fitting.

    Raises:
        NotEnoughData: Nothing was left to chance and nothing is paired, or no decision carries a propensity.
        PositivityViolation: An arm of the config never could have been chosen; `missing` lists (task type, arm).
        UnknownModel: The config names a model that the catalog does not have.

    Source:
        Dudik, Langford & Li 2011 (doubly robust); Chernozhukov et al. 2018 (cross-fitting); S26, S29.
    """
    if basis not in ("auto", "off-policy", "paired"):
        message = f"basis == {basis!r}, must be auto, off-policy or paired"
        raise InputError(message)
    check_level(level)
    known, capped = evidence or Evidence(), capped_arms(config, None if against == LOGGED else against)
    policies = [TargetPolicy(catalog, config, known, capped=capped)]
    if against != LOGGED:
        policies.append(TargetPolicy(catalog, against, known, capped=capped))
    wanted = [task_type] if task_type is not None else sorted(set().union(*(p.routed() for p in policies)))
    window = Window(task_type=task_type, experiment=experiment, from_us=from_us, to_us=to_us)
    found, unusable = read_traffic(
        log,
        window,
        by_input=any(p.needs_input(wanted or catalog.task_types) for p in policies),
        by_unit=any(p.needs_unit() for p in policies),
        capped=capped,
        task_types=wanted or None,
    )
    chosen, missing = _chosen(found, policies, catalog, basis, level=level, seed=seed)
    if missing:
        raise unsupported(missing, [v.task_type for v in chosen])
    if not chosen:
        raise unexplored(unusable, window)
    return Evaluation(
        rows=(*(row for v in chosen for row in _rows(v)), *_overall(chosen, level)),
        estimators=Estimators(rows=tuple(row for v in chosen for row in _estimators(v))),
        unsupported={v.task_type: v.left_out for v in chosen if v.left_out},
        caveats=caveats(chosen, unusable),
        provenance=Provenance(
            view="policy_sums",
            window=str(window),
            n_decisions=sum(v.n for v in chosen),
            config_hash="" if config is None else config.hash,
            catalog_version=catalog.version,
            seed=seed,
        ),
    )


def _chosen(
    found: Sequence[Traffic],
    policies: Sequence[TargetPolicy],
    catalog: Catalog,
    basis: str,
    *,
    level: float,
    seed: int,
) -> tuple[list[Valued], list[tuple[str, str]]]:
    """The better-supported design of each task type, and the (task type, arm) of those that have none."""
    chosen: list[Valued] = []
    missing: list[tuple[str, str]] = []
    for name in dict.fromkeys(traffic.task_type for traffic in found):
        own = [t for t in found if t.task_type == name and basis in ("auto", _basis(t))]
        lays = [laid(traffic, policies) for traffic in own]
        fit = [lay for lay in lays if lay.size > 0]
        if fit:
            value_usd = catalog.task_type(name)[0].value_usd
            chosen.append(valued(max(fit, key=lambda lay: lay.size), value_usd, level=level, seed=seed))
        elif own:
            missing += [(name, arm) for arm in sorted(set().union(*(lay.missing for lay in lays)))]
    return chosen, missing


def _basis(traffic: Traffic) -> Basis:
    return "paired" if traffic.design == "paired" else "off-policy"


def _rows(v: Valued) -> list[EvaluationRow]:
    return [
        EvaluationRow(
            task_type=v.task_type,
            metric=metric,
            value=value.estimate,
            reference=None if reference is None else reference.estimate,
            difference=ran(value, reference),
            basis=v.basis,
            n=v.n,
            ess=value.estimate.ess or float(v.n),
            mean_weight=None if v.weights is None else v.weights.mean_weight,
        )
        for metric in METRIC_NAMES
        if metric in v.values
        for value, reference in [v.values[metric]]
    ]


def _overall(chosen: Sequence[Valued], level: float) -> list[EvaluationRow]:
    """The mean over the log's traffic; a metric that some task type lacks has none."""
    rows = []
    total = sum(v.traffic_n for v in chosen)
    for metric in METRIC_NAMES:
        if any(metric not in v.values for v in chosen):
            continue
        shares = [v.traffic_n / total for v in chosen]
        value = mixture([(s, v.values[metric][0]) for s, v in zip(shares, chosen, strict=True)], level=level)
        others = [v.values[metric][1] for v in chosen]
        reference = (
            None
            if any(other is None for other in others)
            else mixture([(s, o) for s, o in zip(shares, others, strict=True) if o is not None], level=level)
        )
        bases = {v.basis for v in chosen}
        rows.append(
            EvaluationRow(
                task_type=ALL,
                metric=metric,
                value=value.estimate,
                reference=None if reference is None else reference.estimate,
                difference=ran(value, reference),
                basis=next(iter(bases)) if len(bases) == 1 else "mixed",
                n=sum(v.n for v in chosen),
                ess=value.estimate.ess or 0.0,
                mean_weight=None,
            )
        )
    return rows


def _estimators(v: Valued) -> list[EstimatorRow]:
    return [
        EstimatorRow(
            task_type=v.task_type,
            metric=metric,
            estimator=name,
            value=value.estimate,
            clipped_share=found.clipped_share.get(name),
        )
        for metric, found in v.estimators.items()
        for name, value in found.values.items()
    ]
