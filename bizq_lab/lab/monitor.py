"""PerformanceMonitor: the specification's monitor over the log. Asks analysis' questions; computes nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bizq_lab.core.decision import RoutingDecision
from bizq_lab.core.events import OutcomeEvent
from bizq_lab.core.ids import derived_id
from bizq_lab.core.money import Money
from bizq_lab.core.noun import Noun
from bizq_lab.errors import AmbiguousTask, InputError, NotEnoughData
from bizq_lab.execution import SystemClock
from bizq_lab.execution.records import to_us
from bizq_lab.lab.parts import Parts
from bizq_lab.lab.records import Payloads, decision_event

if TYPE_CHECKING:
    from bizq_lab.analysis import Check, HealthByDay, ModelHealth, ModelRecommendation, Performance
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.execution import ExecutionMetrics
    from bizq_lab.core.model import ModelConfig
    from bizq_lab.core.protocols import Clock
    from bizq_lab.core.result import Cell
    from bizq_lab.store import Log

TIMEOUTS = frozenset({"timeout_read", "timeout_connect", "deadline"})


class PerformanceMonitor(Noun):
    """Tracks executions, raises alerts, scores health, recommends models (the specification's class).

    Attributes:
        log: Where everything is read, and alerts are written.
        catalog: States what a result is worth.
        alpha: Probability of any false alarm in a month, alerts and drift together, however often one checks.
        slot_hours: How often tracking checks by itself; checks within a slot see the same data.
    """

    def __init__(
        self,
        log: Log,
        *,
        catalog: Catalog,
        clock: Clock | None = None,
        alpha: float = 0.05,
        slot_hours: float = 1.0,
        payloads: Payloads = "full",
    ) -> None:
        """See the attributes; `payloads` says what is kept of a decision that only tracking brings into the log."""
        self.log, self.catalog, self.alpha, self.slot_hours = log, catalog, alpha, slot_hours
        self._clock: Clock = clock or SystemClock()
        self._payloads: Payloads = payloads
        self._checked_us: int | None = None

    def facts(self) -> dict[str, Cell]:
        """What it watches, and how strictly."""
        return {"log": str(self.log.path), "false alarms a month": self.alpha, "slot (hours)": self.slot_hours}

    def track_task_execution(
        self, task_id: str, config: ModelConfig | RoutingDecision, metrics: ExecutionMetrics
    ) -> Check | None:
        """Log what became of a task, unless the log has it already, and check once in every slot.

        What a lab executes is in its log; tracking it again adds nothing. For what was executed elsewhere, pass the
        decision instead of its config: a bare config does not say what kind of task it was for.

        Args:
            task_id: The task.
            config: The decision; its config is enough where the log holds the decision.
            metrics: What was measured. Tokens are not split there, and so are not kept.

        Returns:
            The check, where this call was the first of its slot.

        Raises:
            InputError: The decision is of another task.
            NotEnoughData: The log has no decision of the task, and none was given.
            AmbiguousTask: Several of its decisions have no outcome yet; pass the one that was executed.
        """
        decision_id = self._pending(task_id, config)
        if decision_id is not None:
            self.log.append(_outcome(decision_id, config, metrics, self._clock.now_us()))
        return self._check_once_a_slot()

    def get_model_recommendation(self, task_type: str, **options: Any) -> ModelRecommendation:
        """The model of highest net benefit over the last 30 days, with confidence, reasoning and alternatives.

        Raises:
            NotEnoughData: No model did enough tasks of that type at a known cost.
        """
        from bizq_lab.analysis import recommend  # noqa: PLC0415 - statistics load when they are needed

        now_us = self._clock.now_us()
        return recommend(self.log, catalog=self.catalog, task_type=task_type, now_us=now_us, **options)

    def performance(self, **options: Any) -> Performance:
        """Tables with intervals, by task type and model; by workspace and day where asked for.

        Raises:
            NotEnoughData: The window holds no outcome.
        """
        from bizq_lab.analysis import performance  # noqa: PLC0415 - as in `get_model_recommendation`

        return performance(self.log, by_arm=False, **options)

    def health(self, **options: Any) -> ModelHealth:
        """Score of each model, 0 to 100: success, speed and quality against its own past.

        Raises:
            NotEnoughData: Nothing was done in the recent window.
        """
        from bizq_lab.analysis import model_health  # noqa: PLC0415 - as in `get_model_recommendation`

        return model_health(self.log, now_us=self._clock.now_us(), **options)

    def health_by_day(self, **options: Any) -> HealthByDay:
        """The same score of each model on each UTC day: when it fell ill, and whether it recovered.

        Raises:
            NotEnoughData: Nothing was done in these days.
        """
        from bizq_lab.analysis import health_by_day  # noqa: PLC0415 - as in `get_model_recommendation`

        return health_by_day(self.log, now_us=self._clock.now_us(), **options)

    def check(self, *, dry_run: bool = False) -> Check:
        """Look for sudden changes, drift and exchanged models; log what is new, so that it can be delivered.

        Args:
            dry_run: Only look; nothing is logged.
        """
        from bizq_lab.analysis import check  # noqa: PLC0415 - as in `get_model_recommendation`

        sink = None if dry_run else self.log
        return check(self.log, now_us=self._clock.now_us(), alpha=self.alpha, slot_hours=self.slot_hours, sink=sink)

    def _check_once_a_slot(self) -> Check | None:
        from bizq_lab.analysis.alerts import slot_end_us  # noqa: PLC0415 - as in `get_model_recommendation`

        slot = slot_end_us(self._clock.now_us(), self.slot_hours)
        if slot == self._checked_us:
            return None
        self._checked_us = slot
        return self.check()

    def _pending(self, task_id: str, config: ModelConfig | RoutingDecision) -> str | None:
        """The decision whose outcome is missing; a decision that the log lacks is logged first."""
        known = [row["decision_id"] for row in self.log.query("decisions_of_task", task_id=task_id)]
        if isinstance(config, RoutingDecision):
            if config.task.id != task_id:
                message = f"task_id == {task_id!r}, but the decision is of task {config.task.id!r}"
                raise InputError(message)
            if config.decision_id not in known:
                self.log.append(self._decision(config))
                return config.decision_id
            known = [config.decision_id]
        if not known:
            message = f"the log has no decision of task {task_id!r}"
            raise NotEnoughData(message, hint="pass the RoutingDecision instead of its config")
        waiting = [id_ for id_ in known if not self.log.query("record_of_decision", decision_id=id_)[0]["outcomes"]]
        if len(waiting) > 1:
            message = f"task {task_id!r} has {len(waiting)} decisions without an outcome"
            raise AmbiguousTask(message, hint="pass the RoutingDecision that was executed")
        return waiting[0] if waiting else None

    def _decision(self, decision: RoutingDecision) -> Any:
        return decision_event(
            decision,
            event_id=derived_id("evt", "decision", decision.decision_id),
            recorded_at_us=self._clock.now_us(),
            repeat=0,
            payloads=self._payloads,
            origin="monitor",
        )


class Monitoring(Parts):
    """What a `Lab` watches."""

    def monitor(self, **options: Any) -> PerformanceMonitor:
        """A monitor of this lab's log."""
        return PerformanceMonitor(self.log, catalog=self.catalog, clock=self.clock, **options)


def _outcome(
    decision_id: str, config: ModelConfig | RoutingDecision, metrics: ExecutionMetrics, now_us: int
) -> OutcomeEvent:
    first, error = metrics.first_token_time, metrics.error_type or ""
    model = config.config if isinstance(config, RoutingDecision) else config
    return OutcomeEvent(
        event_id=derived_id("evt", "outcome", decision_id),
        recorded_at_us=now_us,
        decision_id=decision_id,
        status="completed" if metrics.success else "failed",
        succeeded=metrics.success,
        served_model=model.key,
        attempts=1,
        failed_over=False,
        timed_out=error in TIMEOUTS,
        error_type=error,
        response_time_us=to_us(metrics.response_time),
        time_to_first_chunk_us=None if first is None else to_us(first),
        input_tokens=0,
        output_tokens=0,
        cost_nano_usd=None if metrics.cost is None else Money.from_usd(metrics.cost).nano_usd,
        quality_ppm=None,
        quality_source="",
        human_task_id="",
    )
