"""What a bulk run writes besides its rows: its own steps, tries that nobody saw the end of, people no longer needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bizq_lab.core.events import HumanTaskEvent, OutcomeEvent, RunEvent
from bizq_lab.core.execution import CheckResult
from bizq_lab.core.ids import derived_id
from bizq_lab.core.money import Money
from bizq_lab.execution.checks import share_passed
from bizq_lab.execution.human_tasks import HumanDesk, transition

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.protocols import Clock, IdSource
    from bizq_lab.lab.bulk_plan import BulkPlan, Row
    from bizq_lab.store import Log

PPM = 1_000_000
DIED = "process_died"
UNSEEN = (
    "the run died while a call with side effects was under way, and nobody saw its answer: "
    "find out whether it was acted upon before doing it again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBooks:
    """Writes the steps of one run.

    Attributes:
        log: Where events go.
        catalog: Says how long a person would take.
        clock: Wall time of the record.
        ids: Where ids come from.
        desk: Terms on which people take over.
        run_id: Which run.
        planned_rows: How many rows it has.
        sha256: What its rows must stay.
        cap_usd: Cap of the whole run; None means none.
    """

    log: Log
    catalog: Catalog
    clock: Clock
    ids: IdSource
    desk: HumanDesk
    run_id: str
    planned_rows: int
    sha256: str
    cap_usd: float | None

    def step(self, status: str, reason: str = "") -> None:
        """Say that the run began, went on or ended."""
        self.log.append(
            RunEvent(
                event_id=self.ids("evt"),
                recorded_at_us=self.clock.now_us(),
                run_id=self.run_id,
                status=status,
                planned_rows=self.planned_rows,
                tasks_sha256=self.sha256,
                reason=reason,
                max_cost_nano_usd=None if self.cap_usd is None else Money.from_usd(self.cap_usd).nano_usd,
            )
        )

    def close_unseen(self, rows: tuple[Row, ...], plan: BulkPlan) -> None:
        """Give every try that was cut short an end: `cancelled`, or a person where it must not be repeated (S22).

        A try whose answer was accepted has ended well, although its process could not say so any more.
        """
        for number in plan.answered:
            past = plan.known[number]
            ended = self._well_ended(past, rows[number])
            self.log.append(ended)
            past |= {
                "status": "completed", "served_model": ended.served_model, "cost_nano_usd": ended.cost_nano_usd,
                "response_time_us": ended.response_time_us,
            }  # fmt: skip
        for number in plan.orphans:
            self._end(plan.known[number], "cancelled")
        for number in plan.uncertain:
            past = plan.known[number]
            row = rows[number]
            opened = self.desk.open(
                event_id=self.ids("evt"),
                human_task_id=self.ids("hum"),
                decision_id=past["decision_id"],
                now_us=self.clock.now_us(),
                context=row.context,
                minutes=self.catalog.task_type(row.task.type)[0].human_minutes,
                reason=UNSEEN,
            )
            self.log.append(opened)
            self._end(past, "escalated", human_task_id=opened.human_task_id)
            past["status"] = "escalated"

    def release_people(self, plan: BulkPlan, completed: set[int]) -> None:
        """Cancel open human tasks of rows that a new try completed."""
        for number in sorted(completed & plan.known.keys()):
            task_id = plan.known[number]["human_task_id"]
            found = self.log.query("human_tasks", human_task_id=task_id) if task_id else []
            if found and found[0]["status"] == "open":
                last = HumanTaskEvent(**found[0])
                self.log.append(
                    transition(
                        last, "cancelled", event_id=self.ids("evt"), now_us=self.clock.now_us(),
                        resolution=f"a later try of run {self.run_id} completed the task",
                    )
                )  # fmt: skip

    def _well_ended(self, past: dict[str, Any], row: Row) -> OutcomeEvent:
        """The outcome that the process would have written, from what it had written of its calls."""
        calls = self.log.query("calls_of_decision", decision_id=past["decision_id"])
        accepted = next(call for call in reversed(calls) if call["status"] == "completed")
        by_checks = self.catalog.task_type(row.task.type)[0].quality != "judge"
        checks = [CheckResult(one["name"], one["passed"], one["severity"]) for one in accepted["checks"] or ()]
        quality = share_passed(checks) if by_checks else None
        return OutcomeEvent(
            event_id=derived_id("evt", "outcome", past["decision_id"], "completed"),
            recorded_at_us=self.clock.now_us(),
            decision_id=past["decision_id"],
            status="completed",
            succeeded=True,
            served_model=accepted["model"],
            attempts=past["calls"],
            failed_over=accepted["model"] != past["model"],
            timed_out=any(call["error_type"] in {"timeout_read", "timeout_connect"} for call in calls),
            error_type="",
            response_time_us=sum(call["response_time_us"] for call in calls),
            time_to_first_chunk_us=accepted["time_to_first_chunk_us"] if len(calls) == 1 else None,
            input_tokens=sum(call["input_tokens"] for call in calls),
            output_tokens=sum(call["output_tokens"] for call in calls),
            cost_nano_usd=past["booked_nano_usd"],
            quality_ppm=None if quality is None else round(quality * PPM),
            quality_source="" if quality is None else "checks",
            human_task_id="",
        )

    def _end(self, past: dict[str, Any], status: str, *, human_task_id: str = "") -> None:
        self.log.append(
            OutcomeEvent(
                event_id=derived_id("evt", "outcome", past["decision_id"], status),
                recorded_at_us=self.clock.now_us(),
                decision_id=past["decision_id"],
                status=status,
                succeeded=False,
                served_model="",
                attempts=past["calls"],
                failed_over=False,
                timed_out=False,
                error_type=DIED,
                response_time_us=0,
                time_to_first_chunk_us=None,
                input_tokens=0,
                output_tokens=0,
                cost_nano_usd=past["booked_nano_usd"],
                quality_ppm=None,
                quality_source="",
                human_task_id=human_task_id,
            )
        )
