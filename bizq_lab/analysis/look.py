"""One look at a running experiment: differences whose intervals hold at all looks together. Knows no stopping rule.

Intention to treat, clustered by assignment unit, compared within each ramp stage. Two kinds of interval, chosen by the
plan before the first look: for small samples of a bounded metric an empirical-Bernstein sequence over each unit's first
outcome, in order of arrival; else the asymptotic sequence in information time, read after a burn-in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.analysis.verdict import CHEAPER_SHARE, Guard, read_guardrail
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError, NotEnoughData, PositivityViolation
from bizq_lab.stats.bounded import empirical_bernstein, empirical_bernstein_difference
from bizq_lab.stats.sequential import asymptotic_confidence_sequence, predictive_power
from bizq_lab.stats.srm import sequential_sample_ratio
from bizq_lab.stats.stratified import Contrast, stratified_contrast
from bizq_lab.stats.types import Moments

if TYPE_CHECKING:
    from bizq_lab.core.decision import Design
    from bizq_lab.store import Log

BURN_IN_UNITS, BURN_IN_EVENTS = 30, 20  # units in each arm; of success, the rarer outcomes of both arms together
_CERTAIN_PPB, _ROUNDING_PPB = 1_000_000_000, 1_000
_Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a look must know of an experiment; all of it is in the registered plan.

    Attributes:
        experiment: Its id.
        task_type: What is compared.
        control: Arm compared with.
        treatments: The other arms.
        design: How arms are assigned.
        metric: The metric that decides.
        margin: Non-inferiority margin, in its unit.
        alpha: Error rate over all looks and treatments together.
        guardrails: Largest acceptable loss by metric, in its unit.
        bounded: Use the empirical-Bernstein sequence, which counts each unit once, by its first outcome.
        planned_n: Decisions per arm, repeats counted.
        minimum_effect: Smallest gain that matters.
        budget_nano_usd: Most that may be spent; None means no cap.
    """

    experiment: str
    task_type: str
    control: str
    treatments: tuple[str, ...]
    design: Design
    metric: Metric
    margin: float
    alpha: float
    guardrails: Mapping[str, float]
    bounded: bool
    planned_n: int
    minimum_effect: float
    budget_nano_usd: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """One guardrail of one treatment at one look."""

    metric: str
    margin: float
    difference: Estimate
    reading: Guard


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


def see(rows: _Rows, watched: Watched, arm: str, *, tuning: Mapping[str, float]) -> Sight:
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
    sequences = _Sequences(own, watched, arm, fixed)
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


class _Sequences:
    """The confidence sequences of one treatment at one look."""

    def __init__(self, rows: _Rows, watched: Watched, arm: str, tuning: dict[str, float]) -> None:
        self._rows, self._watched, self._arm, self._tuning = rows, watched, arm, tuning

    def bounded(self, level: float) -> tuple[Estimate, None]:
        """The empirical-Bernstein sequence over each unit's first outcome; wide open before there is one."""
        metric = self._watched.metric
        first: dict[str, dict[str, tuple[int, float]]] = {self._arm: {}, self._watched.control: {}}
        for row in self._rows:
            seen = row[f"first_{metric.name}"]
            if seen is not None:
                first[row["arm"]].setdefault(row["cluster"], (row["first_us"], seen / metric.per_unit))
        one, zero = first[self._arm], first[self._watched.control]
        if not self._watched.metric.support or not (one and zero):
            return self._open(metric, level), None
        if self._watched.design == "paired":
            both = sorted((max(one[task][0], zero[task][0]), task) for task in one.keys() & zero.keys())
            if not both:
                return self._open(metric, level), None
            gaps = [one[task][1] - zero[task][1] for _, task in both]
            return empirical_bernstein(gaps, support=(-1.0, 1.0), unit=metric.unit, level=level), None
        values = ([value for _, value in sorted(arm.values())] for arm in (one, zero))
        return empirical_bernstein_difference(*values, unit=metric.unit, level=level), None

    def asymptotic(self, metric: Metric, level: float) -> tuple[Estimate, float | None]:
        """The asymptotic sequence in information time; wide open during the burn-in."""
        contrast = self._contrast(metric)
        if contrast is None:
            return self._open(metric, level), None
        now = 1 / contrast.se**2
        tuned = self._tuning.setdefault(metric.name, now / min(self._fraction(), 1.0))
        test = asymptotic_confidence_sequence(
            contrast.value,
            contrast.se,
            contrast.clusters,
            tuning_n=contrast.clusters * tuned / now,  # only the ratio matters: information is the sequence's clock
            unit=metric.unit,
            level=level,
        )
        return _within(test.estimate, metric), test.p_value

    def rail(self, name: str, margin: float, level: float) -> Rail:
        """One guardrail."""
        metric = METRICS[name]
        difference, _ = self.asymptotic(metric, level)
        reading = read_guardrail(difference, margin, higher_is_better=metric.higher_is_better)
        return Rail(metric=name, margin=margin, difference=difference, reading=reading)

    def outlook(self, level: float) -> float | None:
        """Predictive power of the planned sample."""
        contrast, tuned = self._contrast(self._watched.metric), self._tuning.get(self._watched.metric.name)
        if contrast is None or tuned is None:
            return None
        share = min(1 / contrast.se**2 / tuned, 1.0)
        return predictive_power(contrast.value, contrast.se, share, level=level)

    def _fraction(self) -> float:
        """Share of the planned decisions that is in."""
        return float(sum(row["n"] for row in self._rows)) / (2 * self._watched.planned_n)

    def _contrast(self, metric: Metric) -> Contrast | None:
        """None during the burn-in, or where nothing varies."""
        if self._watched.design == "paired":
            gaps = Moments.from_values(self._pairs(metric))
            if gaps.n < BURN_IN_UNITS or not gaps.variance > 0:
                return None
            return Contrast(value=gaps.mean, se=math.sqrt(gaps.mean_variance), clusters=gaps.n)
        own = [row for row in self._rows if row[metric.count]]
        if not self._burnt_in(metric, own):
            return None
        unit = np.unique([row["cluster"] for row in own], return_inverse=True)[1]
        stage = np.unique([row["stage"] for row in own], return_inverse=True)[1]
        try:
            contrast = stratified_contrast(
                unit,
                stage,
                np.array([row["arm"] == self._arm for row in own]),
                np.array([row[metric.total] / metric.per_unit for row in own]),
                np.array([float(row[metric.count]) for row in own]),
            )
        except NotEnoughData:
            return None
        return contrast if contrast.se > 0 else None

    def _burnt_in(self, metric: Metric, rows: _Rows) -> bool:
        """Whether the normal approximation has set in."""
        arms = [[row for row in rows if row["arm"] == arm] for arm in (self._arm, self._watched.control)]
        units = min(len({row["cluster"] for row in arm}) for arm in arms)
        if units < BURN_IN_UNITS or metric.name != "success":
            return units >= BURN_IN_UNITS
        good = [sum(row["success"] for row in arm) for arm in arms]
        bad = [sum(row["n"] - row["success"] for row in arm) for arm in arms]
        return bool(sum(map(min, good, bad)) >= BURN_IN_EVENTS)

    def _pairs(self, metric: Metric) -> list[float]:
        """Differences of the tasks that both arms answered, each the mean of its repeats, in order of arrival."""
        means: dict[str, dict[str, float]] = {self._arm: {}, self._watched.control: {}}
        for row in self._rows:
            if row[metric.count]:
                means[row["arm"]][row["cluster"]] = row[metric.total] / (row[metric.count] * metric.per_unit)
        one, zero = means[self._arm], means[self._watched.control]
        return [one[task] - zero[task] for task in one if task in zero]

    def _open(self, metric: Metric, level: float) -> Estimate:
        low, high = metric.difference_support or (-math.inf, math.inf)
        return Estimate(value=0.0, lower=low, upper=high, level=level, unit=metric.unit, method="burn-in, not read")


def _within(estimate: Estimate, metric: Metric) -> Estimate:
    """The same estimate with its interval kept where a difference can be."""
    low, high = metric.difference_support or (-math.inf, math.inf)
    return replace(
        estimate,
        lower=min(max(estimate.lower, low), estimate.value),
        upper=max(min(estimate.upper, high), estimate.value),
    )
