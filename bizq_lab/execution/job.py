"""What an execution is about: the task, whom its money comes from, a call as it ended. Books nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from bizq_lab.core.execution import Attempt
from bizq_lab.errors import BizqLabError
from bizq_lab.execution.records import Served

if TYPE_CHECKING:
    from bizq_lab.catalog import Prompt
    from bizq_lab.catalog.schema import TaskTypeEntry
    from bizq_lab.core.decision import RoutingDecision
    from bizq_lab.core.task import RoutingContext, Task
    from bizq_lab.execution.opinion import SecondOpinion

LOST = "another call for the same answer was faster"
CANCELLED = "the caller cancelled"
Timeout = Callable[[float], AbstractAsyncContextManager[object]]


class Ledger(Protocol):
    """Where money is set aside before a call, and settled after it (S18)."""

    def reserve(self, *, workspace_id: str, attempt_id: str, nano_usd: int) -> None:
        """Set the worst case aside. Raises `BudgetRefused` if a cap would be passed."""

    def settle(self, attempt_id: str, nano_usd: int) -> None:
        """Replace what was set aside by what it cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One task being executed.

    Attributes:
        decision: What was decided.
        task: The task.
        context: Whose, and within which limits.
        entry: Its task type.
        repeat: Which repetition of the task, from 0.
        purpose: Whether the call serves the task or judges an answer to it.
        opinion: Who judges each answer that the checks let pass; None where nobody does.
        prompt: The decided prompt, where it was filled in already.
    """

    decision: RoutingDecision
    task: Task
    context: RoutingContext
    entry: TaskTypeEntry
    repeat: int
    purpose: Literal["task", "judge"] = "task"
    opinion: SecondOpinion | None = None
    prompt: Prompt | None = None

    @property
    def quality_source(self) -> Literal["judge", "checks"]:
        """The one source of this task's quality (S7): a judge where it is declared and people agree with it."""
        judged = self.entry.quality == "judge" and self.opinion is not None and self.opinion.trusted
        return "judge" if judged else "checks"


class Ended(NamedTuple):
    """One attempt as it ended, with what the retry loop needs and the log does not keep.

    Attributes:
        attempt: As logged.
        retry_after_s: What the provider asked for.
        error: The failure itself.
        served: Which model answered.
    """

    attempt: Attempt
    retry_after_s: float | None = None
    error: BizqLabError | None = None
    served: Served = Served("")


def why_cancelled(cancelled: asyncio.CancelledError) -> str:
    """Whether a call lost a race, or its caller gave up."""
    return LOST if LOST in cancelled.args else CANCELLED
