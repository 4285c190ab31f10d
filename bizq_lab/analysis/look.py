"""One look at a running experiment: differences whose intervals hold at all looks together. Knows no stopping rule.

Intention to treat, clustered by assignment unit, compared within each ramp stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from bizq_lab.analysis.metrics import METRICS
from bizq_lab.analysis.sequences import Rail, Rows, Sequences, Watched
from bizq_lab.analysis.verdict import CHEAPER_SHARE
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError, PositivityViolation
from bizq_lab.stats.srm import sequential_sample_ratio

if TYPE_CHECKING:
    from bizq_lab.store import Log

_CERTAIN_PPB, _ROUNDING_PPB = 1_000_000_000, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one look sees of one treatment.

    Attributes:
        arm: The treatment.
        n_arm: Its units with an outcome.
        n_control: The control's.
        tasks: Outcomes of both together.
        difference: Treatment minus control; holds at all looks together.
        p_value: Anytime-valid; None for the bounded sequence, which has none.
        tuning: By metric, the information at which its sequence is tightest; fixed when its burn-in ends.
        outlook: Probability that the planned sample will decide; None where it cannot be said.
        cheaper: `treatment` or `control` if one is shown to cost less, else empty.
        rails: Guardrails.
    """

    arm: str
    n_arm: int
    n_control: int
    tasks: int
    difference: Estimate
    p_value: float | None
    tuning: Mapping[str, float]
    outlook: float | None
    cheaper: Literal["treatment", "control", ""]
    rails: tuple[Rail, ...]


def see(rows: Rows, watched: Watched, arm: str, *, tuning: Mapping[str, float]) -> Sight:
    """One treatment at one look.

    Args:
        rows: Of `look.sql`.
        watched: What is watched.
        arm: The treatment.
        tuning: As earlier looks fixed it.
    """
    own = [row for row in rows if row["arm"] in (arm, watched.control)]
    share = watched.alpha / len(watched.treatments)
    fixed = dict(tuning)
    sequences = Sequences(own, watched, arm, fixed)
    difference, p_value = (
        sequences.bounded(1 - share) if watched.bounded else sequences.asymptotic(watched.metric, 1 - share)
    )
    cost, _ = sequences.asymptotic(METRICS["cost"], 1 - CHEAPER_SHARE * share)
    cheaper: Literal["treatment", "control", ""] = ""
    if watched.margin > 0 and cost.excludes_zero and watched.metric.name != "cost":
        cheaper = "treatment" if cost.value < 0 else "control"
    level = 1 - share / max(len(watched.guardrails), 1)
    rails = tuple(sequences.rail(name, margin, level) for name, margin in watched.guardrails.items())
    return Sight(
        arm=arm,
        n_arm=len({row["cluster"] for row in own if row["arm"] == arm}),
        n_control=len({row["cluster"] for row in own if row["arm"] == watched.control}),
        tasks=sum(row["n"] for row in own),
        difference=difference,
        p_value=p_value,
        tuning=fixed,
        outlook=None if watched.bounded else sequences.outlook(1 - share),
        cheaper=cheaper,
        rails=rails,
    )


def narrowed(now: Sight, before: Estimate | None, p_before: float | None) -> Sight:
    """The same sight with everything that earlier looks have excluded (Howard et al. 2021, running intersection).

    Should an effect that drifts have emptied the intersection, the present look alone stands.
    """
    if before is None:
        return now
    lower, upper = max(now.difference.lower, before.lower), min(now.difference.upper, before.upper)
    if lower > upper:
        return now
    kept = replace(now.difference, lower=lower, upper=upper, value=min(max(now.difference.value, lower), upper))
    p = now.p_value if p_before is None or now.p_value is None else min(now.p_value, p_before)
    return replace(now, difference=kept, p_value=p)


def split_p_value(log: Log, experiment: str, looks_us: Sequence[int]) -> float | None:
    """Anytime-valid p-value that units were split as logged, each unit once at its first exposure per stage (S29).

    Args:
        log: The log.
        experiment: Whose split.
        looks_us: Instants of all looks so far, ascending; the last one is now.

    Returns:
        None where the log holds no candidates to check against; 0 where a unit is in an arm without propensity.

    Source:
        Lindon & Malek 2022, over the propensities of each look's new units.
    """
    rows = log.query("arrivals", experiment=experiment, looks_us=list(looks_us))
    arms = sorted({row["arm"] for row in rows})
    strata: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        key = row["look"], row["stage"], row["config_hash"], row["eligible"]
        strata.setdefault(key, {})[row["arm"]] = row
    sums = {key: sum(int(row["propensity_ppb"]) for row in of.values()) for key, of in strata.items()}
    whole = [(of, sums[key]) for key, of in strata.items() if abs(sums[key] - _CERTAIN_PPB) <= _ROUNDING_PPB * len(of)]
    if not whole:
        return None
    observed = [[of[arm]["observed"] if arm in of else 0 for arm in arms] for of, _ in whole]
    promised = [[of[arm]["propensity_ppb"] / total if arm in of else 0.0 for arm in arms] for of, total in whole]
    try:
        return sequential_sample_ratio(observed, promised).p_value
    except (PositivityViolation, InputError):
        return 0.0
