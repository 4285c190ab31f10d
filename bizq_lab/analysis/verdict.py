"""From tests to one of S30's verdicts: pure decisions over estimates. Knows no log and no procedure.

Error rates. `winner` tests the primary metric at alpha, two-sided, Holm over the treatments. `non_inferior_cheaper`
asks for non-inferiority at alpha and for a cost difference at alpha / 10, so that two equal arms get a false winner of
either kind with a probability of at most 1.1 alpha. Guardrails must each pass at alpha: an intersection, which needs
no correction (Berger 1982).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bizq_lab.core.estimate import Estimate

Verdict = Literal["winner", "non_inferior_cheaper", "no_difference", "inconclusive", "guardrail_failed", "invalid"]
Reading = Literal["better", "worse", "equivalent", "unclear"]
Guard = Literal["passed", "failed", "unclear"]
CHEAPER_SHARE = 0.1  # of alpha


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of one treatment against the control.

    Attributes:
        arm: The treatment.
        reading: Of the primary metric.
        keeps_margin: The treatment is not worse than the control by the margin.
        control_keeps_margin: The control is not worse than the treatment by the margin.
        cheaper: Which side is shown to cost less: `treatment`, `control`, or empty.
        guard: The worst of its guardrails.
        gain: Point estimate of the primary difference, positive is better.
    """

    arm: str
    reading: Reading
    keeps_margin: bool
    control_keeps_margin: bool
    cheaper: Literal["treatment", "control", ""]
    guard: Guard
    gain: float


def oriented(estimate: Estimate, *, higher_is_better: bool) -> tuple[float, float, float]:
    """(value, lower, upper) of a difference in which positive is better."""
    if higher_is_better:
        return estimate.value, estimate.lower, estimate.upper
    return -estimate.value, -estimate.upper, -estimate.lower


def read_primary(
    difference: Estimate, p_adjusted: float, alpha: float, margin: float, *, higher_is_better: bool
) -> Reading:
    """Better or worse if significant; equivalent if the interval lies within the margin; else unclear.

    Args:
        difference: Treatment minus control, with the interval of coverage 1 - 2 alpha.
        p_adjusted: Two-sided, adjusted over the treatments.
        alpha: Two-sided error rate.
        margin: Largest difference that does not matter; 0 means every difference matters.
        higher_is_better: Direction of the metric.
    """
    value, lower, upper = oriented(difference, higher_is_better=higher_is_better)
    if p_adjusted <= alpha and value != 0.0:
        return "better" if value > 0 else "worse"
    return "equivalent" if margin > 0 and -margin < lower and upper < margin else "unclear"


def read_guardrail(difference: Estimate, margin: float, *, higher_is_better: bool) -> Guard:
    """Passed if the treatment is shown to keep within the margin, failed if it is shown not to.

    Args:
        difference: Treatment minus control, with the interval of coverage 1 - 2 alpha.
        margin: Largest acceptable loss.
        higher_is_better: Direction of the metric.
    """
    _, lower, upper = oriented(difference, higher_is_better=higher_is_better)
    if lower > -margin:
        return "passed"
    return "failed" if upper < -margin else "unclear"


def worst(guards: list[Guard]) -> Guard:
    """One word for several guardrails."""
    if "failed" in guards:
        return "failed"
    return "unclear" if "unclear" in guards else "passed"


def decide(standings: list[Standing], control: str) -> tuple[Verdict, str]:
    """The verdict over all treatments, and the arm it names (empty if none)."""
    better = [s for s in standings if s.reading == "better"]
    thrifty = [s for s in standings if s.keeps_margin and s.cheaper == "treatment" and s.reading != "worse"]
    frugal_control = all(s.reading != "better" and s.control_keeps_margin and s.cheaper == "control" for s in standings)
    found: list[tuple[bool, Verdict, str]] = [
        (_safe(better) != "", "winner", _safe(better)),
        (any(s.guard == "failed" for s in better), "guardrail_failed", ""),
        (all(s.reading == "worse" for s in standings), "winner", control),
        (_safe(thrifty) != "", "non_inferior_cheaper", _safe(thrifty)),
        (any(s.guard == "failed" for s in thrifty), "guardrail_failed", ""),
        (frugal_control, "non_inferior_cheaper", control),
        (all(s.reading in ("equivalent", "worse") for s in standings), "no_difference", ""),
    ]
    return next(((verdict, arm) for holds, verdict, arm in found if holds), ("inconclusive", ""))


def _safe(candidates: list[Standing]) -> str:
    """The most promising arm whose guardrails all passed, or nothing."""
    passed = sorted((s for s in candidates if s.guard == "passed"), key=lambda s: (-s.gain, s.arm))
    return passed[0].arm if passed else ""
