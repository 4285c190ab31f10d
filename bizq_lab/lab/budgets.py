"""The ledger of a lab's budgets: beside its log, and in agreement with it. Knows the two files, routes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.core.money import Money
from bizq_lab.core.snapshot import Snapshot
from bizq_lab.errors import BudgetRefused, NoFeasibleModel
from bizq_lab.execution import BudgetLedger, Cap
from bizq_lab.execution.caps import Booking

if TYPE_CHECKING:
    from bizq_lab.core.protocols import Clock, IdSource
    from bizq_lab.core.task import RoutingContext, Task
    from bizq_lab.lab.service import BizQAIRouter
    from bizq_lab.store import Log

# Longer than any call runs: what began before the ledger last agreed with the log may have ended after.
_OVERLAP_US = 3_600_000_000


def ledger_path(log: Path) -> Path:
    """Where the ledger of a log lies."""
    return log.with_name(f"{log.name}.ledger.sqlite")


def open_ledger(
    log: Log, *, budgets: Mapping[str, Cap] | None, max_cost_usd: float | None, clock: Clock, ids: IdSource
) -> BudgetLedger | None:
    """The ledger that keeps these caps, brought up to date from the log; None when there is nothing to keep.

    A ledger that is missing, or that did not see a session without budgets, learns of every call from the log. What a
    process set aside that died before it wrote its call is free again.

    Args:
        log: Whose attempts count.
        budgets: Cap of each workspace, `"*"` of all together.
        max_cost_usd: Most USD until this ledger is closed.
        clock: Says which period it is.
        ids: Names the run.

    Raises:
        InputError: A cap is not an amount per period.
        LogError: The ledger or the log cannot be read.
    """
    if budgets is None and max_cost_usd is None:
        return None
    ledger = BudgetLedger(
        ledger_path(log.path),
        caps=budgets,
        clock=clock,
        run_cap=None if max_cost_usd is None else (ids("run"), max_cost_usd),
    )
    try:
        now_us = clock.now_us()
        abandoned = ledger.abandoned()  # asked before the log is read: what the dead wrote is all in it then
        since_us = min([ledger.reconciled_at_us or 0, *(one.reserved_at_us for one in abandoned)]) - _OVERLAP_US
        calls = spending(log, since_us=since_us)
        ledger.reconcile(calls, at_us=now_us)
        if log.last_collection.complete:
            known = {call.attempt_id for call in calls}
            ledger.release(one.attempt_id for one in abandoned if one.attempt_id not in known)
    except BaseException:
        ledger.close()
        raise
    return ledger


def spending(log: Log, *, since_us: int = 0, run_id: str | None = None) -> list[Booking]:
    """What the log knows of calls: since an instant, or of one bulk run."""
    return [Booking(**row) for row in log.query("spending", since_us=since_us, run_id=run_id)]


def cache_path(log: Path) -> Path:
    """Where the response cache of a log lies."""
    return log.with_name(f"{log.name}.cache.sqlite")


@contextmanager
def naming_the_budget(service: BizQAIRouter, task: Task, context: RoutingContext) -> Iterator[None]:
    """Tell a task that no model can serve from one that no model can serve within the budget.

    Raises:
        BudgetRefused: Routing found nothing, and would have without budgets.
        NoFeasibleModel: Routing found nothing, and would not have anyway.
    """
    try:
        yield
    except NoFeasibleModel as error:
        seen = service.snapshot(context)
        left = seen.budget.remaining_usd
        if left is None:
            raise
        try:
            service.router.route_task(task, context, snapshot=Snapshot(evidence=seen.evidence))
        except NoFeasibleModel:
            raise error from None
        message = f"{Money.from_usd(left)} are left to spend, and no model can serve {task.type!r} within that"
        raise BudgetRefused(message, hint="raise the cap or lower max_tokens") from error
