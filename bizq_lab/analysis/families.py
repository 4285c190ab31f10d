"""Every test of a comparison, each adjusted within its family: primary, guardrails, secondary. Knows no log, no caveat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from bizq_lab.analysis.comparison import ComparisonRow, Role
from bizq_lab.analysis.contrast import Sample, arm_mean, complete_pairs, contrast, samples
from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.analysis.verdict import CHEAPER_SHARE, Guard, Standing, oriented, read_guardrail, read_primary, worst
from bizq_lab.core.decision import Design
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.multiplicity import holm
from bizq_lab.stats.types import Test


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything the tests need to know, settled."""

    rows: Sequence[Mapping[str, Any]]
    design: Design
    control: str
    treatments: tuple[str, ...]
    primary: Metric
    margin: float
    alpha: float
    guardrails: Mapping[str, float]

    def sample(self, metric: Metric, arm: str) -> Sample | None:
        return samples(self.rows, metric).get(arm)


def run_tests(question: Question) -> tuple[list[tuple[ComparisonRow, Test]], list[Standing]]:
    """Every test, adjusted within its family, and where each treatment stands."""
    primary = {arm: _test(question, question.primary, arm, 1 - question.alpha) for arm in question.treatments}
    adjusted = dict(zip(primary, holm([t.p_value for t in primary.values() if t]), strict=True))
    others = {
        (metric.name, arm): test
        for metric in METRICS.values()
        for arm in question.treatments
        if metric is not question.primary and (test := _optional(question, metric, arm, 1 - question.alpha)) is not None
    }
    secondary = dict(zip(others, holm([test.p_value for test in others.values()]), strict=True)) if others else {}
    table: list[tuple[ComparisonRow, Test]] = []
    standings = []
    for arm in question.treatments:
        test, p = primary[arm], float(adjusted[arm])
        standing = _standing(
            question, arm, test, p, others.get(("cost", arm)) or (test if question.primary.name == "cost" else None)
        )
        standings.append(standing)
        table.append((_row(question, question.primary, "primary", arm, test, p, standing.reading), test))
        for (name, whose), other in others.items():
            if whose == arm:
                role: Role = "guardrail" if name in question.guardrails else "secondary"
                reading = (
                    _guard(question, name, arm)
                    if role == "guardrail"
                    else _reading(name, other, float(secondary[name, arm]), question)
                )
                row = _row(question, METRICS[name], role, arm, other, float(secondary[name, arm]), reading)
                table.append((row, other))
    return table, standings


def _standing(question: Question, arm: str, test: Test, p: float, cost: Test | None) -> Standing:
    share = question.alpha / len(question.treatments)
    wide = _test(question, question.primary, arm, 1 - 2 * share).estimate
    better = question.primary.higher_is_better
    value, lower, upper = oriented(wide, higher_is_better=better)
    cheaper: Literal["treatment", "control", ""] = ""
    if (
        cost is not None
        and question.margin > 0
        and cost.p_value <= CHEAPER_SHARE * share
        and question.primary.name != "cost"
    ):
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


def _reading(name: str, test: Test, p_adjusted: float, question: Question) -> str:
    return read_primary(test.estimate, p_adjusted, question.alpha, 0.0, higher_is_better=METRICS[name].higher_is_better)


def _test(question: Question, metric: Metric, arm: str, level: float) -> Test:
    mine, theirs = question.sample(metric, arm), question.sample(metric, question.control)
    if mine is None or theirs is None:
        message = f"no {metric.name} in arm {arm if mine is None else question.control!r}"
        raise NotEnoughData(message, hint="choose a primary metric that the log has")
    return contrast(metric, mine, theirs, design=question.design, level=level)


def _optional(question: Question, metric: Metric, arm: str, level: float) -> Test | None:
    """A metric that nobody declared as primary may be absent."""
    try:
        return _test(question, metric, arm, level)
    except NotEnoughData:
        return None


def _row(
    question: Question, metric: Metric, role: Role, arm: str, test: Test, p_adjusted: float, reading: str
) -> ComparisonRow:
    mine, theirs = (
        cast("Sample", question.sample(metric, arm)),
        cast("Sample", question.sample(metric, question.control)),
    )
    if question.design == "paired" and not (mine.singletons and theirs.singletons and set(mine.ids) == set(theirs.ids)):
        mine, theirs = complete_pairs(mine, theirs)
    level = 1 - question.alpha
    return ComparisonRow(
        metric=metric.name,
        role=role,
        arm=arm,
        control=question.control,
        n=test.estimate.n,
        arm_mean=arm_mean(metric, mine, level=level),
        control_mean=arm_mean(metric, theirs, level=level),
        difference=test.estimate,
        p_value=test.p_value,
        p_adjusted=p_adjusted,
        reading=reading,
    )
