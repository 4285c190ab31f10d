"""How far one task has come through its models: what ended, what was spent, what is to be told. Makes no call."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bizq_lab.errors import BizqLabError
from bizq_lab.execution.error_table import action_for
from bizq_lab.execution.job import Ended, Job
from bizq_lab.execution.retry import ChainBudget

if TYPE_CHECKING:
    from bizq_lab.core.execution import Usage
    from bizq_lab.execution.spans import Watch


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
        stops_unfunded: Whether a task that the ledger refuses waits for money rather than for a person.
        unfunded: Whether the ledger refused a call.
        rng: Jitter of this task's waits; made when the first is due.
        watch: Who is told of each attempt, if anybody listens.
        before: Calls of this task that are not in `ended`.
        hedge: Whether this is a second call beside a first one that is late.
        reserved_nano_usd: Worst case of the call that is under way.
        on_answer: Called once the model has answered: its turn is over, although its answer is still being judged.
    """

    job: Job
    budget: ChainBudget
    routed: bool
    ended: list[Ended] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    setup: list[BizqLabError] = field(default_factory=list)
    tried: int = 0
    stops_unfunded: bool = False
    unfunded: bool = False
    rng: random.Random | None = None
    watch: Watch | None = None
    before: int = 0
    hedge: bool = False
    reserved_nano_usd: int = 0
    on_answer: Callable[[Usage | None], None] = lambda _: None

    @property
    def next_ordinal(self) -> int:
        """Which attempt of the decision the next call is, from 1."""
        return self.before + len(self.ended) + 1

    @property
    def patience_s(self) -> float | None:
        """How long a call may wait its turn; a hedge that had to wait would help nobody."""
        return 0.0 if self.hedge else self.budget.time_left_s

    def beside(self, *, hedges: Progress | None = None, after_s: float = 0.0) -> Progress:
        """A side way for one of two calls under way at once, with what the other one leaves of the budget."""
        side = Progress(
            job=self.job, budget=replace(self.budget), routed=self.routed and hedges is None, rng=self.rng,
            watch=self.watch, before=self.next_ordinal - 1, hedge=hedges is not None,
        )  # fmt: skip
        if hedges is not None:
            side.before += 1
            side.budget.attempts_left -= 1
            side.budget.elapsed_s += after_s
            side.budget.spent_nano_usd += hedges.reserved_nano_usd
        return side

    def absorb(self, sides: Sequence[Progress], *, elapsed_s: float) -> None:
        """Take over what side ways that ran at the same time did; whose call counts comes last."""
        for side in sides:
            self.ended.extend(side.ended)
            self.setup.extend(side.setup)
            self.unfunded |= side.unfunded and not side.hedge
            for note in side.notes:
                self.note(note)
            for ended in side.ended:
                cost = ended.attempt.total_cost
                self.budget.spend(seconds=0.0, nano_usd=cost.nano_usd if cost else None)
        self.budget.elapsed_s += elapsed_s

    def note(self, text: str) -> None:
        """Tell the reader, once."""
        if text not in self.notes:
            self.notes.append(text)

    def keep(self, ended: Ended) -> None:
        """One call ended: book it against the budget, and tell what needs a person."""
        attempt = ended.attempt
        self.ended.append(ended)
        self.reserved_nano_usd = 0
        if self.watch is not None:
            self.watch.attempt(attempt)
        cost = attempt.total_cost
        self.budget.spend(seconds=attempt.total_seconds, nano_usd=cost.nano_usd if cost else None)
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
