"""Acceptance of a reply: the task type's checks in order, with their severities (S23). Knows no provider and no log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.core.execution import CheckResult, ProviderReply
from bizq_lab.errors import InvalidCatalog
from bizq_lab.execution.check_rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bizq_lab.catalog.schema import TaskTypeEntry
    from bizq_lab.core.task import Task


def run_checks(entry: TaskTypeEntry, task: Task, reply: ProviderReply) -> tuple[CheckResult, ...]:
    """Apply the task type's checks; one that has no expectation to test is left out.

    Raises:
        InvalidCatalog: The task type names a check that does not exist.
    """
    results = []
    for spec in entry.checks:
        rule = RULES.get(spec.name)
        if rule is None:
            message = f"task type {entry.type!r} names the check {spec.name!r}, which does not exist"
            raise InvalidCatalog(message, hint=f"known: {', '.join(sorted(RULES))}")
        problem = rule(task, reply, spec.params)
        if problem is not None:
            results.append(CheckResult(spec.name, not problem, spec.severity, problem))
    return tuple(results)


def is_acceptable(checks: Iterable[CheckResult]) -> bool:
    """Whether no check of severity `reject` failed."""
    return all(check.passed or check.severity == "flag" for check in checks)


def share_passed(checks: Iterable[CheckResult]) -> float | None:
    """Quality from checks (S7): the share of the `reject` checks that passed; None when there were none."""
    deciding = [check.passed for check in checks if check.severity == "reject"]
    return sum(deciding) / len(deciding) if deciding else None
