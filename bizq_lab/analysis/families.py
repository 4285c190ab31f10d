"""Every test of a comparison, each adjusted within its family: primary and secondary. Knows no log, no caveat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from bizq_lab.analysis.comparison import ComparisonRow, Role
from bizq_lab.analysis.contrast import Sample, arm_mean, complete_pairs, contrast
from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.analysis.unanswered import restricted_test
from bizq_lab.analysis.verdict import CHEAPER_SHARE, Guard, Standing, oriented, read_guardrail, read_primary, worst
from bizq_lab.core.decision import Design
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.multiplicity import holm
from bizq_lab.stats.ordinal import LevelCounts, clustered_superiority
from bizq_lab.stats.survival import LifeTable
from bizq_lab.stats.types import Test

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything the tests need to know, settled.

    Attributes:
        samples: By metric name and arm.
        design: How the arms were assigned.
        control: Arm compared with.
        treatments: The other arms.
        primary: The metric that decides.
        margin: Non-inferiority margin, in its unit.
        alpha: Two-sided error rate.
        guardrails: Largest acceptable loss by metric, in its unit.
        lifetimes: Response times by arm where calls ran out of time; else nothing.
        ratings: Ratings by arm, as they were given.
    """

    samples: Mapping[str, Mapping[str, Sample]]
    design: Design
    control: str
    treatments: tuple[str, ...]
    primary: Metric
    margin: float
    alpha: float
    guardrails: Mapping[str, float]
    lifetimes: Mapping[str, LifeTable] = field(default_factory=dict)
    ratings: Mapping[str, LevelCounts] = field(default_factory=dict)


class Finding(NamedTuple):
    """One row of the answer, and the test it came from."""

    row: ComparisonRow
    test: Test


def run_tests(question: Question) -> tuple[list[Finding], list[Standing]]:
    """Every test, adjusted within its family, and where each treatment stands.

    The primary metric's family is the treatments; the secondary metrics' is all of their tests together; guardrails
    are read one by one (see `verdict`).
    """
    level = 1 - question.alpha
    primary = {arm: _test(question, question.primary, arm, level) for arm in question.treatments}
    others = {
        (metric.name, arm): test
        for metric in METRICS.values()
        for arm in question.treatments
        if metric is not question.primary and (test := _optional(question, metric, arm, level)) is not None
    }
    adjusted = _holm(primary)
    secondary = _holm({key: test for key, test in others.items() if key[0] not in question.guardrails})
    findings, standings = [], []
    for arm, test in primary.items():
        standing = _standing(question, arm, adjusted[arm], others.get(("cost", arm)))
        standings.append(standing)
        findings.append(_finding(question, question.primary, arm, test, p=adjusted[arm], reading=standing.reading))
        for (name, whose), other in others.items():
            if whose == arm:
                p = secondary.get((name, arm), other.p_value)
                findings.append(_finding(question, METRICS[name], arm, other, p=p))
    return findings, standings


def _holm(family: Mapping[Key, Test]) -> dict[Key, float]:
    adjusted = holm([test.p_value for test in family.values()]).tolist() if family else []
    return dict(zip(family, adjusted, strict=True))


def _standing(question: Question, arm: str, p: float, cost: Test | None) -> Standing:
    share = question.alpha / len(question.treatments)
    wide = _test(question, question.primary, arm, 1 - 2 * share).estimate
    better = question.primary.higher_is_better
    value, lower, upper = oriented(wide, higher_is_better=better)
    cheaper: Literal["treatment", "control", ""] = ""
    if cost is not None and question.margin > 0 and cost.p_value <= CHEAPER_SHARE * share:
        cheaper = "treatment" if cost.estimate.value < 0 else "control"
    return Standing(
        arm=arm,
        reading=read_primary(wide, p, question.alpha, question.margin, higher_is_better=better),
        keeps_margin=lower > -question.margin,
        control_keeps_margin=upper < question.margin,
        cheaper=cheaper,
        guard=worst([_guard(question, name, arm) for name in question.guardrails]),
        gain=value,
    )


def _guard(question: Question, name: str, arm: str) -> Guard:
    """Whether a guardrail holds; unclear where the metric is missing."""
    test = _optional(question, METRICS[name], arm, 1 - 2 * question.alpha)
    if test is None:
        return "unclear"
    return read_guardrail(test.estimate, question.guardrails[name], higher_is_better=METRICS[name].higher_is_better)


def _test(question: Question, metric: Metric, arm: str, level: float) -> Test:
    own = question.samples.get(metric.name, {})
    mine, theirs = own.get(arm), own.get(question.control)
    if mine is None or theirs is None:
        message = f"no {metric.name} in arm {arm if mine is None else question.control!r}"
        raise NotEnoughData(message, hint="choose a primary metric that the log has")
    if metric.name == "latency" and question.lifetimes and question.design != "paired" and _alone(mine, theirs):
        return restricted_test(question.lifetimes[arm], question.lifetimes[question.control], level=level)
    return contrast(metric, mine, theirs, design=question.design, level=level)


def _alone(treatment: Sample, control: Sample) -> bool:
    """Whether every unit made one decision, in one arm."""
    once = treatment.singletons and control.singletons and treatment.size is None
    return once and not treatment.shares(control)


def _optional(question: Question, metric: Metric, arm: str, level: float) -> Test | None:
    """A metric that nobody declared as primary may be absent."""
    try:
        return _test(question, metric, arm, level)
    except NotEnoughData:
        return None


def _finding(question: Question, metric: Metric, arm: str, test: Test, *, p: float, reading: str = "") -> Finding:
    mine, theirs = question.samples[metric.name][arm], question.samples[metric.name][question.control]
    if question.design == "paired":
        shared = np.array_equal(np.sort(mine.ids), np.sort(theirs.ids))
        if not (shared and mine.singletons and theirs.singletons):
            mine, theirs = complete_pairs(mine, theirs)
    role: Role = "primary" if reading else "guardrail" if metric.name in question.guardrails else "secondary"
    if role == "guardrail":
        reading = _guard(question, metric.name, arm)
    elif role == "secondary":
        better = metric.higher_is_better
        reading = read_primary(test.estimate, p, question.alpha, 0.0, higher_is_better=better)
    row = row_of(question, metric, arm, (mine, theirs), test, role=role)
    superiority = _superiority(question, arm, 1 - question.alpha) if metric.name == "rating" else None
    return Finding(replace(row, p_adjusted=p, reading=reading, superiority=superiority), test)


def row_of(
    question: Question, metric: Metric, arm: str, samples: tuple[Sample, Sample], test: Test, *, role: Role
) -> ComparisonRow:
    """The row of a test that is not yet adjusted for others, and not yet read.

    Args:
        question: What is asked.
        metric: Of which metric.
        arm: The treatment.
        samples: The treatment's and the control's.
        test: Of their difference.
        role: What the row is for.
    """
    level = 1 - question.alpha
    return ComparisonRow(
        metric=metric.name,
        role=role,
        arm=arm,
        control=question.control,
        n=test.estimate.n,
        arm_mean=arm_mean(metric, samples[0], level=level),
        control_mean=arm_mean(metric, samples[1], level=level),
        difference=test.estimate,
        p_value=test.p_value,
        p_adjusted=test.p_value,
        reading="unclear",
    )


def _superiority(question: Question, arm: str, level: float) -> Estimate | None:
    """What ranks say of ratings, whose levels are not equally far apart; None where there are too few."""
    try:
        return clustered_superiority(question.ratings[arm], question.ratings[question.control], level=level).estimate
    except (NotEnoughData, KeyError):
        return None
