"""The plans a router has made, so that a kind of task is planned once. Keeping them never changes an answer.

Must not know tasks, nor what a plan says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.core.ids import digest
from bizq_lab.core.snapshot import Evidence

if TYPE_CHECKING:
    from bizq_lab.core.task import RoutingContext
    from bizq_lab.routing.plan import Plan, Planner

NO_EVIDENCE = Evidence()
MAX_PLANS = 20_000  # a plan is a few kilobytes a candidate; beyond this many kinds of task the cache starts anew


class Plans:
    """Plans by kind of task, of one state of the evidence."""

    def __init__(self, planner: Planner) -> None:
        """Begin with none."""
        self._planner = planner
        self._kept: tuple[Evidence, dict[object, Plan]] = (NO_EVIDENCE, {})

    def of(self, task_type: str, wishes: RoutingContext, context: RoutingContext, evidence: Evidence) -> Plan:
        """The plan of a kind of task, made now if it is not kept.

        Args:
            task_type: Its type.
            wishes: The context as it is to be obeyed.
            context: The context as it was given.
            evidence: What is known of the past; other evidence begins anew.
        """
        kind = _kind_of(task_type, wishes, context)
        known, plans = self._kept
        if evidence is not known and not (_is_empty(evidence) and _is_empty(known)):
            plans = {}
            self._kept = (evidence, plans)
        plan = plans.get(kind)
        if plan is None:
            plan = self._planner.plan(task_type, wishes, context, evidence)
            if len(plans) >= MAX_PLANS:
                plans.clear()
            plan.name = digest(*kind)
            plans[kind] = plan
        return plan


def _kind_of(task_type: str, wishes: RoutingContext, context: RoutingContext) -> tuple[object, ...]:
    """Everything of a context that a plan depends on."""
    preferences = wishes.workspace_preferences
    return (
        task_type,
        wishes.task_complexity,
        wishes.priority,
        wishes.user_tier,
        wishes.budget_tier,
        wishes.quality_tier,
        wishes.requires_consistency,
        None if preferences is None else tuple(preferences.__dict__.values()),
        wishes.recent_task_performance,
        None if wishes is context else (context.task_complexity, context.quality_tier),
    )


def _is_empty(evidence: Evidence) -> bool:
    return not evidence.history and not evidence.orderings
