"""Acceptance of an output: a task type's checks, run in order (S23). Knows no provider; trusts no word it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.catalog.schema import PLUGGED_IN_CHECKS
from bizq_lab.core.execution import CheckResult
from bizq_lab.execution.check_rules import RULES, Evidence, Params
from bizq_lab.execution.check_text import SCANNED, plain
from bizq_lab.plugins import plugin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bizq_lab.catalog.schema import TaskTypeEntry
    from bizq_lab.core.execution import ProviderReply
    from bizq_lab.core.task import Task

# The first two say whether there is an answer at all; a judge is a source of quality of its own. None says how good it
# is by the checks.
_APART = frozenset({"non_empty", "finish_reason", "judge"})


def run_checks(entry: TaskTypeEntry, task: Task, reply: ProviderReply) -> tuple[CheckResult, ...]:
    """Every check of the task type, in order, but for the judge, whom `SecondOpinion` asks.

    A check reads its parameters from the task type; what the task's own `expected` says under the same name wins.
    The output is hostile: it is read up to a bound, no pattern backtracks over it, and nothing it holds can raise.

    Args:
        entry: The task type, as the catalog returned it.
        task: The task, with its checkable answers.
        reply: What the provider answered.
    """
    text = reply.text[:SCANNED]
    evidence = Evidence(text, plain(text), len(reply.text.strip()), reply.finish_reason)
    results = []
    for spec in entry.checks:
        if spec.name == "judge":
            continue
        fault = _fault(spec.name, evidence, {**spec.params, **task.expected})
        results.append(CheckResult(spec.name, not fault, spec.severity, fault))
    return tuple(results)


def _fault(name: str, evidence: Evidence, params: Params) -> str:
    """What the rule finds. A plug-in that fails has judged nothing: its check does not pass, and the task goes on."""
    if name in RULES:
        return RULES[name](evidence, params)
    try:
        return str(plugin(PLUGGED_IN_CHECKS, name)(evidence, params))
    except Exception as error:  # noqa: BLE001 - whatever another package raises
        return f"the check failed itself: {type(error).__name__}"


def is_acceptable(checks: Sequence[CheckResult]) -> bool:
    """Whether no check that rejects has failed. Without checks everything is acceptable."""
    return all(check.passed for check in checks if check.severity == "reject")


def share_passed(checks: Sequence[CheckResult]) -> float | None:
    """Quality by checks, in [0, 1]: the share passed of those that look at the content (S7).

    `non_empty` and `finish_reason` only say whether there is an answer: an empty one has quality 0, and neither counts
    otherwise. None when nothing measures the content.
    """
    if any(check.name == "non_empty" and not check.passed for check in checks):
        return 0.0
    counted = [check.passed for check in checks if check.name not in _APART]
    return sum(counted) / len(counted) if counted else None
