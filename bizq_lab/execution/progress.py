"""How far one task has come through its models: what ended, what was spent, what is to be told. Makes no call."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from bizq_lab.errors import BizqLabError
from bizq_lab.execution.attempts import Ended, Job
from bizq_lab.execution.error_table import action_for
from bizq_lab.execution.retry import ChainBudget


@dataclass(slots=True, kw_only=True)
class Progress:
    """One task's way through its models.

    Attributes:
        job: The task.
        budget: Attempts, time and money that all its calls share.
        routed: Whether routing chose the first model.
        ended: Calls that were made, in order.
        notes: What a reader of the result should know.
        setup: Errors of the installation, not of a model.
        tried: Models that had their turn, called or not.
        rng: Jitter of this task's waits; made when the first is due.
    """

    job: Job
    budget: ChainBudget
    routed: bool
    ended: list[Ended] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    setup: list[BizqLabError] = field(default_factory=list)
    tried: int = 0
    rng: random.Random | None = None

    def note(self, text: str) -> None:
        """Tell the reader, once."""
        if text not in self.notes:
            self.notes.append(text)

    def keep(self, ended: Ended) -> None:
        """One call ended: book it against the budget, and tell what needs a person."""
        attempt = ended.attempt
        self.ended.append(ended)
        self.budget.spend(seconds=attempt.response_time_s, nano_usd=attempt.cost.nano_usd if attempt.cost else None)
        if not attempt.error_class:
            return
        action = action_for(attempt.error_class)
        if action.surface:
            hint = f" ({ended.error.hint})" if ended.error is not None and ended.error.hint else ""
            self.note(f"needs attention: {attempt.config.key}: {action.meaning}: {attempt.error_message}{hint}")
        if action.setup and ended.error is not None:
            self.setup.append(ended.error)

    def raise_setup(self) -> None:
        """When the installation could call no model at all, the arm did not fail: raise, and leave it pending."""
        if self.setup and len(self.setup) == self.tried:
            raise self.setup[0]
