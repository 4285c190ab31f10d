"""Bulk runs of a lab: preview, run, resume, retry. One row one decision; a run's state is in the log, nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bizq_lab.errors import InputError, LogLocked
from bizq_lab.execution import HumanDesk
from bizq_lab.lab.bar import progress_bar
from bizq_lab.lab.budgets import open_ledger, spending
from bizq_lab.lab.bulk import PER_PROVIDER, BulkExecution, Concurrency, check_concurrency
from bizq_lab.lab.bulk_books import RunBooks
from bizq_lab.lab.bulk_plan import BulkPlan, Row, check_name, earlier_run, plan_pass, rows_sha256, spread
from bizq_lab.lab.bulk_result import BulkRow, BulkRun, row_of_log, row_of_result
from bizq_lab.lab.parts import Parts
from bizq_lab.lab.preview import CostPreview, appraise_rows
from bizq_lab.store import claim

if TYPE_CHECKING:
    from bizq_lab.core.task import RoutingContext, Task

NANO = 1e9
_ENDED = frozenset({"completed", "escalated", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """One pass over a run: all its rows, what is to do, and who writes it down."""

    rows: tuple[Row, ...]
    plan: BulkPlan
    books: RunBooks


class Runs(Parts):
    """Many tasks at once."""

    def preview(
        self, tasks: Iterable[Task], context: RoutingContext | Iterable[RoutingContext], *, repeats: int = 1,
        run_id: str | None = None, resume: bool = False, retry_failed: bool = False,
    ) -> CostPreview:  # fmt: skip
        """What `run_many` with the same arguments is expected to cost; every input is checked, nothing is written.

        No provider is made and no network touched: it is the dry run.

        Args:
            tasks: As `run_many`.
            context: As `run_many`.
            repeats: As `run_many`.
            run_id: As `run_many`.
            resume: As `run_many`.
            retry_failed: As `run_many`.

        Raises:
            InputError: Some rows cannot be run; each is named.
            NoFeasibleModel: No model can serve some row.
            BudgetRefused: No model can within what is left to spend.
            NotEnoughData: There is no run to resume.
        """
        rows = spread(tasks, context, repeats)
        known: dict[int, dict[str, Any]] = {}
        if resume or retry_failed:
            run_id = earlier_run(self.log, run_id, rows_sha256(rows))["run_id"]
            known = self._known(run_id or "")
        plan = plan_pass(run_id or "", rows, known, self.catalog, retry_failed=retry_failed)
        return self._appraised(plan)

    def run_many(
        self, tasks: Iterable[Task], context: RoutingContext | Iterable[RoutingContext], *, repeats: int = 1,
        run_id: str | None = None, resume: bool = False, retry_failed: bool = False,
        concurrency: Concurrency = PER_PROVIDER, max_cost_usd: float | None = None, progress: bool | None = None,
    ) -> BulkRun:  # fmt: skip
        """Execute many tasks, each as `run` would, several at a time.

        Everything is checked before anything is decided, logged or spent. A run that was killed, interrupted or
        stopped by its budget is taken up by `resume`: providers are called only for rows without an end. `retry_failed`
        also tries again what failed or went to a person whom nobody claimed yet; nothing that was logged is changed.
        While every model is down the run waits, ten minutes at most, before it hands rows to people.

        Args:
            tasks: What to do; read whole.
            context: One for all tasks, or one for each.
            repeats: Executions of each task.
            run_id: Name of the run; a new one if None. With `resume` or `retry_failed` which run, by default the
                log's latest.
            resume: Go on with an earlier run of the same tasks.
            retry_failed: The same, and try again what did not complete.
            concurrency: Rows at a time for each provider, or a number by provider name.
            max_cost_usd: Most USD for the whole run, however often it is resumed, and whether or not it began with a
                cap; reserved before each call. A resumed run keeps its cap unless another is given.
            progress: Show a bar on standard error; None shows it to people only.

        Returns:
            Every row, those that ended earlier included. `refusal` says if the cap stopped it.

        Raises:
            InputError: Some rows cannot be run, or the tasks are not those of the run to resume.
            NoFeasibleModel: No model can serve some row.
            BudgetRefused: No model can within what is left to spend; nothing was sent.
            NotEnoughData: There is no run to resume.
            LogLocked: Another process is executing this run.
            MissingKey: No model could be called, for want of a key; what had ended is in the log.
        """
        work = self.run_many_async(
            tasks, context, repeats=repeats, run_id=run_id, resume=resume, retry_failed=retry_failed,
            concurrency=concurrency, max_cost_usd=max_cost_usd, progress=progress,
        )  # fmt: skip
        return self.executor.wait(work)

    async def run_many_async(
        self, tasks: Iterable[Task], context: RoutingContext | Iterable[RoutingContext], *, repeats: int = 1,
        run_id: str | None = None, resume: bool = False, retry_failed: bool = False,
        concurrency: Concurrency = PER_PROVIDER, max_cost_usd: float | None = None, progress: bool | None = None,
    ) -> BulkRun:  # fmt: skip
        """`run_many` for asynchronous callers."""
        check_concurrency(concurrency)
        rows = spread(tasks, context, repeats)
        again = resume or retry_failed
        with ExitStack() as held:
            books = await asyncio.to_thread(self._claim, held, rows, run_id, max_cost_usd, again=again)
            known = await asyncio.to_thread(self._known, books.run_id) if again else {}
            plan = plan_pass(books.run_id, rows, known, self.catalog, retry_failed=retry_failed)
            await asyncio.to_thread(self._appraised, plan)
            books.step("resumed" if again else "started")
            books.close_unseen(rows, plan)
            one = _Pass(rows=rows, plan=plan, books=books)
            return await self._execute_pass(one, concurrency=concurrency, progress=progress)

    # -- one pass -------------------------------------------------------------------------------------------------

    async def _execute_pass(self, one: _Pass, *, concurrency: Concurrency, progress: bool | None) -> BulkRun:
        books = one.books
        with progress_bar(len(one.plan.todo), label=books.run_id[:16], show=progress) as tick:
            work = BulkExecution(
                service=self.service, run_id=books.run_id, concurrency=concurrency,
                tick=lambda todo, result: tick(row_of_result(todo.number, todo.task, result).cost),
            )  # fmt: skip
            try:
                await work.run(one.plan.todo)
            except asyncio.CancelledError:
                books.step("interrupted", "the caller cancelled")
                raise
        if work.error is not None:
            books.step("stopped", type(work.error).__name__)
            work.error.add_note(f"run {books.run_id} stopped after {len(work.results)} rows; it can be resumed")
            raise work.error
        done = {number for number, result in work.results.items() if result.status == "completed"}
        await asyncio.to_thread(books.release_people, one.plan, done)
        answer = _answer(one, work)
        unfinished = any(row.status not in _ENDED for row in answer.rows)
        books.step("stopped" if unfinished else "finished", work.refusal[:200])
        return answer

    def _claim(
        self, held: ExitStack, rows: Sequence[Row], run_id: str | None, max_cost_usd: float | None, *, again: bool
    ) -> RunBooks:
        """Name the run, keep every other process off it, and hold it to its cap."""
        sha256 = rows_sha256(rows)
        if again:
            earlier = earlier_run(self.log, run_id, sha256)
            name, cap = earlier["run_id"], earlier["max_cost_nano_usd"]
            max_cost_usd = cap / NANO if max_cost_usd is None and cap is not None else max_cost_usd
        else:
            name = self.ids("run") if run_id is None else self._unused(check_name(run_id))
        held.enter_context(claim(self.log.path, f"run.{name}"))
        held.enter_context(self._capped(name, max_cost_usd, again=again))
        return RunBooks(
            log=self.log, catalog=self.catalog, clock=self.clock, ids=self.ids, desk=HumanDesk(), run_id=name,
            planned_rows=len(rows), sha256=sha256, cap_usd=max_cost_usd,
        )  # fmt: skip

    def _unused(self, run_id: str) -> str:
        if any(run["run_id"] == run_id for run in self.log.query("runs")):
            message = f"run_id == {run_id!r}, is a run of this log already"
            raise InputError(message, hint="resume it, or choose another name")
        return run_id

    def _known(self, run_id: str) -> dict[int, dict[str, Any]]:
        rows = self.log.query("run_rows", run_id=run_id)
        if not self.log.last_collection.complete:
            # What waits in the journal may be the end of a row, which must not be executed twice.
            message = "another process is collecting the log, so it is not known which rows have ended"
            raise LogLocked(message, hint="try again in a moment")
        return {row["run_row"]: row for row in rows}

    def _appraised(self, plan: BulkPlan) -> CostPreview:
        return appraise_rows(self.service, [(todo.number, todo.task, todo.context) for todo in plan.todo])

    @contextmanager
    def _capped(self, run_id: str, max_cost_usd: float | None, *, again: bool) -> Iterator[None]:
        """Hold this lab to the cap of a run, with a ledger for the time being where it has none."""
        if max_cost_usd is None:
            yield
            return
        if self.ledger is not None:
            earlier = spending(self.log, run_id=run_id) if again else []
            with self.ledger.capped(run_id, max_cost_usd, earlier=earlier):
                yield
            return
        ledger = open_ledger(self.log, budgets={}, max_cost_usd=None, clock=self.clock, ids=self.ids)
        self.ledger = ledger
        self.executor.use_budget(ledger)
        try:
            with self._capped(run_id, max_cost_usd, again=again):
                yield
        finally:
            self.ledger = None
            self.executor.use_budget(None)
            if ledger is not None:
                ledger.close()


def _answer(one: _Pass, work: BulkExecution) -> BulkRun:
    rows = []
    for number, row in enumerate(one.rows):
        if number in work.results:
            rows.append(row_of_result(number, row.task, work.results[number]))
        elif number in one.plan.known and one.plan.known[number]["status"] in _ENDED:
            rows.append(row_of_log(number, row.task, one.plan.known[number]))
        else:
            rows.append(BulkRow(row=number + 1, task_id=row.task.id, task_type=row.task.type))
    return BulkRun(
        run_id=one.books.run_id,
        rows=tuple(rows),
        results=tuple(work.results[number] for number in sorted(work.results)),
        refusal=work.refusal,
    )
