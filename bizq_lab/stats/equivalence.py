"""Non-inferiority and equivalence with any test of a shifted null. Knows no metric: margins and directions come in.

A procedure is any test of this room with its data already bound, such as
`functools.partial(welch_difference, treatment, control)` for an absolute margin, or
`functools.partial(ratio_of_means, treatment, control)` for a relative one; paired procedures fit the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.tails import check_alpha
from bizq_lab.stats.types import Alternative, Test

Verdict = Literal["superior", "non_inferior", "inferior", "inconclusive"]


class Procedure(Protocol):
    """A test of any null effect, data bound."""

    def __call__(self, *, null: float, level: float, alternative: Alternative) -> Test:
        """Run the test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginTest:
    """Whether an effect keeps within a margin.

    Attributes:
        estimate: Effect with the two-sided interval of coverage 1 - 2 alpha that the decision reads.
        margin: Margin that was declared beforehand, positive, in the effect's unit or as a share.
        alpha: One-sided error rate.
        p_value: One-sided p-value of the hypothesis that the margin is exceeded.
        passed: Whether that hypothesis is rejected.
        superior: Whether the effect is better than none at the same alpha (closed testing: no correction needed).
        tightest_margin: The smallest margin for which the data would have passed; report it beside the decision.
        method: Procedure.
    """

    estimate: Estimate
    margin: float
    alpha: float
    p_value: float
    passed: bool
    superior: bool
    tightest_margin: float
    method: str


def non_inferiority(
    procedure: Procedure,
    margin: float,
    *,
    higher_is_better: bool = True,
    relative: bool = False,
    alpha: float = 0.05,
) -> MarginTest:
    """Is the treatment worse than the control by less than `margin`?

    Args:
        procedure: Test of the effect, data bound.
        margin: Largest acceptable loss, positive; a share of the control's value if `relative`.
        higher_is_better: False for cost and latency.
        relative: Whether `procedure` estimates a ratio, treatment over control.
        alpha: One-sided error rate.

    Raises:
        InputError: `margin` is not positive, or a relative one is not below 1.

    Source:
        Wellek 2010, "Testing statistical hypotheses of equivalence and noninferiority", ch. 2; ICH E9.
    """
    _check_margin(margin, relative=relative)
    none = 1.0 if relative else 0.0
    null = none - margin if higher_is_better else none + margin
    alternative: Alternative = "greater" if higher_is_better else "less"
    test = procedure(null=null, level=1 - alpha, alternative=alternative)
    estimate = procedure(null=null, level=1 - 2 * check_alpha(alpha), alternative="two-sided").estimate
    superiority = procedure(null=none, level=1 - alpha, alternative=alternative)
    loss = none - estimate.lower if higher_is_better else estimate.upper - none
    return MarginTest(
        estimate=estimate,
        margin=margin,
        alpha=alpha,
        p_value=test.p_value,
        passed=test.p_value <= alpha,
        superior=superiority.p_value <= alpha,
        tightest_margin=max(loss, 0.0),
        method=f"non-inferiority, {test.method}",
    )


def equivalence(procedure: Procedure, margin: float, *, relative: bool = False, alpha: float = 0.05) -> MarginTest:
    """Do the arms differ by less than `margin` in either direction? Two one-sided tests.

    Args:
        procedure: Test of the effect, data bound.
        margin: Largest acceptable difference, positive; if `relative`, ratios from 1 - margin to 1 / (1 - margin) pass.
        relative: Whether `procedure` estimates a ratio.
        alpha: Error rate of each one-sided test, and of the whole.

    Raises:
        InputError: `margin` is not positive, or a relative one is not below 1.

    Source:
        Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657 (TOST).
    """
    _check_margin(margin, relative=relative)
    low, high = (1.0 - margin, 1.0 / (1.0 - margin)) if relative else (-margin, margin)
    above = procedure(null=low, level=1 - alpha, alternative="greater")
    below = procedure(null=high, level=1 - alpha, alternative="less")
    estimate = procedure(null=low, level=1 - 2 * check_alpha(alpha), alternative="two-sided").estimate
    p = max(above.p_value, below.p_value)
    tightest = (
        max(1.0 - estimate.lower, 1.0 - (1.0 / estimate.upper if estimate.upper > 0 else -math.inf))
        if relative
        else max(-estimate.lower, estimate.upper)
    )
    return MarginTest(
        estimate=estimate,
        margin=margin,
        alpha=alpha,
        p_value=p,
        passed=p <= alpha,
        superior=False,
        tightest_margin=max(tightest, 0.0),
        method=f"TOST, {above.method}",
    )


def verdict(estimate: Estimate, margin: float, *, higher_is_better: bool = True) -> Verdict:
    """Read a decision off the interval of a difference: where does it lie relative to zero and to the margin?

    Args:
        estimate: Difference, treatment minus control; a 1 - 2 alpha interval decides at one-sided alpha.
        margin: Largest acceptable loss, zero or positive.
        higher_is_better: False for cost and latency.

    Raises:
        InputError: `margin` is negative.
    """
    if margin < 0:
        message = f"margin == {margin!r}, must not be negative"
        raise InputError(message)
    worst, best = (estimate.lower, estimate.upper) if higher_is_better else (-estimate.upper, -estimate.lower)
    if worst > 0:
        return "superior"
    if worst > -margin:
        return "non_inferior"
    return "inferior" if best < -margin else "inconclusive"


def _check_margin(margin: float, *, relative: bool) -> None:
    if not margin > 0 or (relative and margin >= 1):
        message = f"margin == {margin!r}, must be positive" + (" and below 1 as a share" if relative else "")
        raise InputError(message, hint="declare how much worse is still acceptable, such as 0.05")
