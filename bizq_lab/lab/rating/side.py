"""The side of a lab that listens to people: feedback on a result, sittings of raters, how far raters agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bizq_lab.lab.parts import Parts
from bizq_lab.lab.rating.agreement import RaterAgreement, rater_agreement
from bizq_lab.lab.rating.session import RatingSession, open_session
from bizq_lab.lab.recorder import feedback_event

if TYPE_CHECKING:
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.task import UserFeedback


class Ratings(Parts):
    """What people say of results."""

    def give_feedback(self, result: TaskResult, feedback: UserFeedback, *, source: str = "user") -> None:
        """Log what a person said of a result; days later if need be, and never twice the same."""
        now_us = self.clock.now_us()
        self.log.append(
            feedback_event(
                result.decision_id, result.task_id, feedback, recorded_at_us=now_us, source=source,
                payloads=self.service.payloads,
            )
        )  # fmt: skip

    def rate(
        self,
        task_type: str,
        *,
        rater: str,
        pairs: bool = False,
        arms: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> RatingSession:
        """A sitting: the outputs of a task type, blind and shuffled, to be rated here or through a CSV.

        Args:
            task_type: What is rated.
            rater: Who rates; logged with each rating.
            pairs: Show what several arms made of one task side by side.
            arms: Only these.
            limit: Most cards.

        Raises:
            InputError: No rater was named.
            NotEnoughData: Nothing is left to rate, or the log kept no outputs.
        """
        return open_session(
            self.log, task_type=task_type, rater=rater, clock=self.clock, pairs=pairs, arms=arms, limit=limit,
            seed=self.seed, payloads=self.service.payloads,
        )  # fmt: skip

    def rater_agreement(self, task_type: str) -> RaterAgreement:
        """How far the raters of a task type agree beyond chance.

        Raises:
            NotEnoughData: No two raters rated the same two outputs.
        """
        return rater_agreement(self.log, task_type=task_type)
