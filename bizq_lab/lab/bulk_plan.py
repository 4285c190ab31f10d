"""Which rows of a bulk run are still to do, by what the log says of them. Executes nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bizq_lab.core.ids import derived_id, digest
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.lab.bulk import Todo

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.store import Log

_NAME = re.compile(r"[A-Za-z0-9._-]{1,80}")
UNFINISHED = frozenset({"pending", "cancelled"})
RETRIED = frozenset({"failed", "escalated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a run, whatever became of it: a task, its context, which repetition of the task it is."""

    task: Task
    context: RoutingContext
    repeat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPlan:
    """What one pass has to do.

    Attributes:
        todo: Rows to execute.
        known: Rows that the log knows, by number, as `queries/run_rows.sql` tells them.
        orphans: Of these, tries that nobody saw the end of: the process died. They are booked before anything is sent.
        uncertain: Of these, numbers of rows that must not be repeated: they have side effects, and a call whose answer
            nobody saw may have had them (S22).
        answered: Numbers of rows whose answer was accepted, and whose process died before it could say so: they have
            ended well, and are not executed again.
    """

    todo: tuple[Todo, ...]
    known: dict[int, dict[str, Any]] = field(default_factory=dict)
    orphans: tuple[int, ...] = ()
    uncertain: tuple[int, ...] = ()
    answered: tuple[int, ...] = ()


def spread(tasks: Iterable[Task], contexts: RoutingContext | Iterable[RoutingContext], repeats: int) -> tuple[Row, ...]:
    """The rows of a run: every task so many times, a task that comes again being one more repetition.

    Raises:
        InputError: No tasks, no repeats, or not as many contexts as tasks.
    """
    every = list(tasks)
    each = [contexts] * len(every) if isinstance(contexts, RoutingContext) else list(contexts)
    if not every or repeats < 1:
        message = "no task was given" if not every else f"repeats == {repeats!r}, must be at least 1"
        raise InputError(message, hint="pass at least one task, and run each at least once")
    if len(each) != len(every):
        message = f"{len(each)} contexts for {len(every)} tasks"
        raise InputError(message, hint="pass one context for all tasks, or one for each")
    seen: Counter[str] = Counter()
    rows = []
    for _ in range(repeats):
        for task, context in zip(every, each, strict=True):
            rows.append(Row(task=task, context=context, repeat=seen[task.key]))
            seen[task.key] += 1
    return tuple(rows)


def rows_sha256(rows: Sequence[Row]) -> str:
    """What must not change between two passes of one run: types, inputs, expected answers, contexts, their order."""
    return digest(
        *(
            row.task.model_dump_json(include={"type", "input", "expected"}) + row.context.model_dump_json()
            for row in rows
        )
    )


def check_name(run_id: str) -> str:
    """The name of a run, which is part of a file's name.

    Raises:
        InputError: It holds anything but letters, digits, dot, dash and underscore, or is too long.
    """
    if not _NAME.fullmatch(run_id):
        message = f"run_id == {run_id[:100]!r}, must be 1 to 80 letters, digits, dots, dashes or underscores"
        raise InputError(message, hint="leave it out for a new one")
    return run_id


def earlier_run(log: Log, run_id: str | None, sha256: str) -> dict[str, Any]:
    """The run to go on with: the one named, or the log's latest.

    Raises:
        NotEnoughData: The log has no such run.
        InputError: Its tasks were others than these.
    """
    runs = log.query("runs")
    found = next((run for run in runs if run_id in {None, run["run_id"]}), None)
    if found is None:
        message = f"no run {run_id!r} in {log.path.name}" if run_id else f"no run in {log.path.name} to resume"
        known = ", ".join(run["run_id"] for run in runs[:3])
        raise NotEnoughData(message, hint=f"its latest: {known}" if known else "start one without --resume")
    if found["tasks_sha256"] != sha256:
        message = f"the tasks are not those that run {found['run_id']!r} began with"
        raise InputError(message, hint="restore the file, its context and its repeats, or start a new run")
    return dict(found)


def plan_pass(
    run_id: str, rows: Sequence[Row], known: dict[int, dict[str, Any]], catalog: Catalog, *, retry_failed: bool
) -> BulkPlan:
    """Rows without an end, and on request those that ended badly; rows that completed are never executed again.

    A row that went to a person is only taken back while nobody has claimed it.

    Args:
        run_id: Which run.
        rows: All of them.
        known: What the log knows, by number.
        catalog: Says which task types have side effects.
        retry_failed: Whether to try failed and escalated rows again.
    """
    todo, orphans, uncertain, answered = [], [], [], []
    for number, row in enumerate(rows):
        past = known.get(number)
        if past is not None and not _is_due(past, retry_failed=retry_failed):
            continue
        if past is not None and past["status"] == "pending" and past["answered"]:
            answered.append(number)
            continue
        if past is not None and past["uncertain"] and catalog.task_type(row.task.type)[0].side_effects:
            if past["status"] in UNFINISHED:
                uncertain.append(number)
            continue
        if past is not None and past["status"] == "pending":
            orphans.append(number)
        todo.append(_todo(run_id, number, row, past))
    return BulkPlan(
        todo=tuple(todo), known=known, orphans=tuple(orphans), uncertain=tuple(uncertain), answered=tuple(answered)
    )


def _is_due(past: dict[str, Any], *, retry_failed: bool) -> bool:
    if past["status"] in UNFINISHED:
        return True
    with_a_person = past["status"] == "escalated" and past["human_status"] not in {None, "open"}
    return retry_failed and past["status"] in RETRIED and not with_a_person


def _todo(run_id: str, number: int, row: Row, past: dict[str, Any] | None) -> Todo:
    tries = 0 if past is None else past["tries"]
    task = row.task
    if past is not None and past["task_id"] != task.id:
        # Every try of a row is about one task, also where the caller's ids are new in each process.
        key = past["task_id"] if task.key == task.id else task.key
        task = task.model_copy(update={"id": past["task_id"], "key": key})
    return Todo(
        number=number, task=task, context=row.context, repeat=row.repeat, tries=tries,
        decision_id=derived_id("dec", run_id, number, tries),
    )  # fmt: skip
