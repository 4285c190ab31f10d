"""The confidence sequences of one treatment at one look. Knows neither the log nor the looks before.

Two kinds of interval, chosen by the plan before the first look: for small samples of a bounded metric an
empirical-Bernstein sequence over each unit's first outcome, in order of arrival; else the asymptotic sequence in
information time, read after a burn-in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.analysis.verdict import Guard, read_guardrail
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.bounded import empirical_bernstein, empirical_bernstein_difference
from bizq_lab.stats.sequential import asymptotic_confidence_sequence, predictive_power
from bizq_lab.stats.stratified import Contrast, stratified_contrast
from bizq_lab.stats.types import Moments

if TYPE_CHECKING:
    from bizq_lab.core.decision import Design

BURN_IN_UNITS, BURN_IN_EVENTS = 30, 20  # units in each arm; of success, the rarer outcomes of both arms together
Rows = Sequence[Mapping[str, Any]]


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


class Sequences:
    """The confidence sequences of one treatment at one look."""

    def __init__(self, rows: Rows, watched: Watched, arm: str, tuning: dict[str, float]) -> None:
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

    def _burnt_in(self, metric: Metric, rows: Rows) -> bool:
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
