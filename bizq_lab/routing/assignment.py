"""Who decides, and with what probability: experiment, then weights, then adaptive policy, then rules (S15).

Must not know how a model is called or what it costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.config.assign import bucket, pick, pick_prepared
from bizq_lab.core.decision import DEFAULT_ARM
from bizq_lab.routing.explore import propensities

if TYPE_CHECKING:
    from bizq_lab.core.decision import Design, Policy
    from bizq_lab.core.task import RoutingContext, Task
    from bizq_lab.routing.option import Offer
    from bizq_lab.routing.plan import Plan, Split


class Assignment(NamedTuple):
    """An arm and how it came to be.

    Attributes:
        arm: Arm id; `default` for what the rules choose.
        policy: Who decided.
        shares: Probability of every arm that could have been chosen; sums to 1.
        unit: What was hashed.
        experiment: Experiment id, or empty.
        stage: Ramp stage, or empty.
    """

    arm: str
    policy: Policy
    shares: Mapping[str, float]
    unit: str
    experiment: str = ""
    stage: str = ""

    @property
    def propensity(self) -> float:
        """Probability of the arm that was chosen."""
        return self.shares[self.arm]

    def design(self, asked: Design) -> Design:
        """What chance decided is randomised, whatever the caller called it; a paired design stays paired."""
        if asked == "observational" and (self.policy == "experiment" or self.propensity < 1.0):
            return "randomised"
        return asked


RULES_SHARES: Mapping[str, float] = {DEFAULT_ARM: 1.0}


def assign(plan: Plan, task: Task, context: RoutingContext, offers: Sequence[Offer], seed: int) -> Assignment:
    """The first policy in order that has a word on this task."""
    for split in plan.splits:
        unit = task.key if split.by_task else context.workspace_id
        if split.namespace and not _takes_part(split, unit):
            continue
        arm = pick_prepared(split.arms, salt=split.salt, unit=unit)
        policy: Policy = "experiment" if split.experiment else "weights"
        return Assignment(arm, policy, split.shares, unit, split.experiment, split.stage)
    adaptive = plan.routing.adaptive
    if adaptive is None or plan.terms.consistent or not offers:
        return Assignment(DEFAULT_ARM, "rules", RULES_SHARES, context.workspace_id)
    unit = context.workspace_id if adaptive.sticky else task.key
    shares = propensities(plan, adaptive, offers)
    draw = "" if adaptive.sticky else f"{seed}/"
    return Assignment(pick(shares, salt=f"adaptive/{draw}{plan.entry.type}", unit=unit), "adaptive", shares, unit)


def _takes_part(split: Split, unit: str) -> bool:
    start, stop = split.buckets
    return start <= bucket(split.namespace, unit) < stop
