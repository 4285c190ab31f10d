"""AdaptiveRouter: routing that reads what became of earlier tasks (S25 to S27). Must not know where that is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from bizq_lab.core.snapshot import Snapshot
from bizq_lab.core.task import UserFeedback
from bizq_lab.errors import AmbiguousTask, InputError, NoFeasibleModel
from bizq_lab.routing.learning import Thresholds, adjust, escalates_in_vain
from bizq_lab.routing.memory import ProcessMemory, ResultRecorder
from bizq_lab.routing.outlook import cell
from bizq_lab.routing.router import EMPTY_SNAPSHOT, AITaskRouter
from bizq_lab.routing.tokens import Tokenizer

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.config import AdaptivePolicy, RoutingConfig
    from bizq_lab.core.decision import RoutingDecision
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.model import Reason
    from bizq_lab.core.task import RoutingContext, Task


class AdaptiveRouter(AITaskRouter):
    """A router that learns.

    History changes a context's wishes by the specification's thresholds. Exploration is opt-in: `policy` here, or
    `adaptive` in the config, draws among feasible models with logged probabilities.
    """

    def __init__(
        self,
        catalog: Catalog | None = None,
        config: RoutingConfig | None = None,
        *,
        strict: bool = False,
        policy: AdaptivePolicy | None = None,
        thresholds: Thresholds | None = None,
        recorder: ResultRecorder | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        """Learn from what the recorder knows.

        Args:
            catalog: See `AITaskRouter`.
            config: See `AITaskRouter`.
            strict: See `AITaskRouter`.
            policy: Explore this way wherever the config has neither weights nor a policy of its own.
            thresholds: When history changes the wishes.
            recorder: Where results are kept; this process's memory if None.
            tokenizer: See `AITaskRouter`.
        """
        super().__init__(catalog, config, strict=strict, policy=policy, tokenizer=tokenizer)
        self._thresholds = thresholds or Thresholds()
        self._recorder: ResultRecorder = ProcessMemory() if recorder is None else recorder

    def route_task_with_learning(
        self,
        task: Task,
        context: RoutingContext,
        *,
        snapshot: Snapshot = EMPTY_SNAPSHOT,
        seed: int = 0,
        decision_id: str | None = None,
    ) -> RoutingDecision:
        """Route by wishes that history may have changed; the decision keeps the original context.

        Args:
            task: What to do.
            context: As given.
            snapshot: Its evidence is used; where it has none, the recorder's.
            seed: Of the draw, if a policy makes one.
            decision_id: Its id; derived from the inputs if None.

        Raises:
            NoFeasibleModel: Every candidate violates a hard constraint.
        """
        if not snapshot.evidence.history:
            evidence = self._recorder.evidence()
            snapshot = replace(snapshot, id=f"{snapshot.id}+{evidence.version}", evidence=evidence)
        wishes, learned = self._learned(task, context, snapshot)
        decision = self.decide(
            task, context, wishes, snapshot=snapshot, seed=seed, decision_id=decision_id, learned=learned
        )
        self._recorder.remember(decision)
        return decision

    def track_task_result(
        self,
        task_id: str,
        result: TaskResult,
        user_feedback: UserFeedback | Mapping[str, object] | None = None,
        *,
        decision_id: str | None = None,
    ) -> bool:
        """Keep what became of a task's only decision; again, or later with feedback, does no harm (S27).

        Args:
            task_id: Of the task.
            result: Of its execution.
            user_feedback: A rating from 1 to 5, a comment, or both.
            decision_id: Which decision, if the task has several.

        Returns:
            Whether anything new was recorded.

        Raises:
            AmbiguousTask: The task has several decisions and none was named.
            InputError: The task or decision is unknown, or the feedback is malformed.
        """
        known = self._recorder.decisions_of(task_id)
        if decision_id is None and len(known) > 1:
            message = f"task {task_id!r} has {len(known)} decisions"
            raise AmbiguousTask(message, hint=f"pass decision_id=, one of {', '.join(known[:5])}")
        if not known or decision_id not in {None, *known}:
            what = f"task_id == {task_id!r}" if not known else f"decision_id == {decision_id!r}"
            message = f"{what}, is not a decision that was routed here"
            raise InputError(message, hint="route the task with route_task_with_learning first")
        return self._recorder.record(decision_id or known[0], result, _feedback(user_feedback))

    def _learned(
        self, task: Task, context: RoutingContext, snapshot: Snapshot
    ) -> tuple[RoutingContext, tuple[Reason, ...]]:
        """The wishes after history, and why; unchanged where an escalation has no model, or did not help."""
        if not snapshot.evidence.history:
            return context, ()
        before = self.ruled(task, context, snapshot)
        if before is None:
            return context, ()
        plan = self.plan(task.type, context, snapshot.evidence)
        history, _ = cell(snapshot.evidence, task.type, plan.segment, before)
        wishes, reasons = adjust(context, history, self._thresholds)
        if not reasons:
            return context, ()
        after = self.ruled(task, wishes, snapshot)
        if after is None:
            return context, ()
        if after != before:
            reached, _ = cell(snapshot.evidence, task.type, plan.segment, after)
            if escalates_in_vain(history, reached, self._thresholds):
                return context, ()
        return wishes, reasons

    def ruled(self, task: Task, context: RoutingContext, snapshot: Snapshot) -> str | None:
        """Key of the model that the rules alone would choose; None when nothing is feasible."""
        try:
            return self.by_rules(task, context, snapshot).key
        except NoFeasibleModel:
            return None


def _feedback(given: UserFeedback | Mapping[str, object] | None) -> UserFeedback | None:
    if given is None or isinstance(given, UserFeedback):
        return given
    try:
        return UserFeedback.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = f"user_feedback.{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise InputError(message, hint="give a rating from 1 to 5, and feedback as text") from None
