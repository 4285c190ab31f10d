"""The ledger is exact, settles once, and cannot be overspent by any number of processes."""

from __future__ import annotations

import multiprocessing as mp
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizq_lab.core.events import Event
from bizq_lab.core.model import Price
from bizq_lab.core.money import Money
from bizq_lab.errors import BudgetRefused, InputError, JournalWriteError, LogError, ProviderError
from bizq_lab.execution import BudgetLedger, Cap
from bizq_lab.execution.caps import Booking
from tests.support.execution import CATALOG, FakeClock, ListSink, ScriptedProvider, decision, reply, scripted

CALL = 1_000_000_000  # nano-USD: one dollar a call makes the cap a number of calls
WORKERS, CAP = 100, 37


def _spend(path: str, first: int, tries: int) -> int:
    ledger = BudgetLedger(path, each=Cap(CAP))
    sent = 0
    for number in range(first, first + tries):
        try:
            ledger.reserve(workspace_id="ws_1", attempt_id=f"att_{number}", nano_usd=CALL)
        except BudgetRefused:
            continue
        sent += 1
        if number % 2:
            ledger.settle(f"att_{number}", CALL)
    ledger.close()
    return sent


def test_a_hundred_workers_in_four_processes_never_pass_the_cap(tmp_path: Path) -> None:
    """100 workers in 4 processes, a cap of 37 calls: exactly 37 are sent, whoever comes first."""
    path = str(tmp_path / "ledger.sqlite")
    with mp.get_context("spawn").Pool(4) as pool:
        sent = pool.starmap(_spend, [(path, start, WORKERS // 4) for start in range(0, WORKERS, WORKERS // 4)])
    ledger = BudgetLedger(path, each=Cap(CAP))
    assert sum(sent) == CAP
    assert ledger.booked("ws_1") == Money(CAP * CALL)
    ledger.close()


def test_threads_of_one_process_share_one_connection(tmp_path: Path) -> None:
    ledger = BudgetLedger(tmp_path / "l", each=Cap(CAP))

    def worker(number: int) -> bool:
        try:
            ledger.reserve(workspace_id="ws_1", attempt_id=f"att_{number}", nano_usd=CALL)
        except BudgetRefused:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(worker, range(WORKERS))) == CAP
    ledger.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), max_size=20))
def test_what_is_booked_is_exactly_what_settled_plus_what_is_still_reserved(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[int, int, bool]]
) -> None:
    ledger = BudgetLedger(tmp_path_factory.mktemp("ledger") / "l", caps={"*": Cap(200e-9)})
    expected = 0
    for number, (worst, cost, ends) in enumerate(calls):
        try:
            ledger.reserve(workspace_id="ws", attempt_id=str(number), nano_usd=worst)
        except BudgetRefused:
            assert expected + worst > 200
            continue
        settled = min(worst, cost)
        if ends:
            ledger.settle(str(number), settled)
            ledger.settle(str(number), settled + 99)  # a second settlement changes nothing
        expected += settled if ends else worst
        assert ledger.booked().nano_usd == ledger.booked("ws").nano_usd == expected <= 200
    ledger.close()


def test_a_new_period_starts_from_nothing_and_old_calls_settle_in_theirs(tmp_path: Path) -> None:
    clock = FakeClock()
    ledger = BudgetLedger(tmp_path / "l", caps={"ws": Cap(1, "day")}, clock=clock)
    ledger.reserve(workspace_id="ws", attempt_id="a", nano_usd=CALL)
    with pytest.raises(BudgetRefused, match=r"day cap of workspace 'ws'"):
        ledger.reserve(workspace_id="ws", attempt_id="b", nano_usd=1)
    clock.now += 86_400
    ledger.settle("a", 0)
    assert ledger.booked("ws") == Money(0)
    ledger.reserve(workspace_id="ws", attempt_id="b", nano_usd=CALL)
    ledger.close()


def test_the_view_is_the_least_that_any_cap_leaves(tmp_path: Path) -> None:
    ledger = BudgetLedger(tmp_path / "l", caps={"*": Cap(3), "ws": Cap(2)})
    ledger.reserve(workspace_id="other", attempt_id="a", nano_usd=2 * CALL)
    assert ledger.view("ws").remaining_usd == 1.0
    assert BudgetLedger(tmp_path / "m").view("ws").remaining_usd is None
    ledger.close()


def test_bad_caps_and_foreign_files_are_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be >= 0"):
        BudgetLedger(tmp_path / "l", caps={"ws": Cap(-1)})
    with pytest.raises(InputError, match="finite"):
        BudgetLedger(tmp_path / "l", each=Cap(float("nan")))
    (tmp_path / "foreign").write_bytes(b"not a database, but long enough to be looked at" * 40)
    with pytest.raises(LogError, match="cannot be used"):
        BudgetLedger(tmp_path / "foreign")


def test_the_executor_books_the_worst_case_and_settles_to_the_cost(tmp_path: Path) -> None:
    """N4: cost by attempt, by task and by ledger are the same integer."""
    ledger, sink = BudgetLedger(tmp_path / "l", each=Cap(1)), ListSink()
    executor = scripted(sink=sink, providers={"openai": ScriptedProvider(reply())}, budget=ledger, catalog=CATALOG)
    made = decision("openai/sol")
    for _ in range(3):
        executor.execute_with_failover(made.task, made, made.context)
    assert ledger.booked("ws_1").nano_usd == sum(row.cost_nano_usd or 0 for row in sink.attempts) == 3 * 75_000
    ledger.close()


def test_a_model_without_a_price_is_refused_under_a_ledger(tmp_path: Path) -> None:
    """S4: an unknown price is never 0."""
    ledger, provider = BudgetLedger(tmp_path / "l"), ScriptedProvider(reply())
    made = decision("openai/sol")
    made = replace(made, config=replace(made.config, price=Price()))
    result = scripted(providers={"openai": provider}, budget=ledger).execute_with_failover(
        made.task, made, made.context
    )
    assert (provider.calls, result.metrics.error_type) == ([], "budget")
    assert "without a price" in result.reasoning
    ledger.close()


def test_a_log_that_cannot_be_written_gives_the_reserve_back(tmp_path: Path) -> None:
    ledger, sink = BudgetLedger(tmp_path / "l"), ListSink()

    def refuse(_: Event) -> None:
        message = "disk full"
        raise JournalWriteError(message)

    sink.before_append = refuse
    made = decision("openai/sol")
    with pytest.raises(JournalWriteError):
        scripted(sink=sink, providers={"openai": ScriptedProvider(reply())}, budget=ledger).execute_with_failover(
            made.task, made, made.context
        )
    assert ledger.booked("ws_1") == Money(0)
    ledger.close()


def test_what_may_be_billed_stays_booked_at_its_worst(tmp_path: Path) -> None:
    ledger, sink = BudgetLedger(tmp_path / "l"), ListSink()
    broken = ProviderError("gone", error_class="reset")
    made = decision("openai/sol")
    scripted(sink=sink, providers={"openai": ScriptedProvider(broken)}, budget=ledger).execute_with_failover(
        made.task, made, made.context
    )
    assert ledger.booked("ws_1").nano_usd == sink.outcome.cost_nano_usd == 2 * 770_000  # 270 bytes in, 100 tokens out
    ledger.close()


def _reserve_and_wait(path: str, say: Connection) -> None:
    ledger = BudgetLedger(path, each=Cap(CAP))
    ledger.reserve(workspace_id="ws_1", attempt_id="att_dead", nano_usd=CALL)
    say.send("reserved")
    say.recv()  # until it is killed


def test_only_what_the_dead_set_aside_is_abandoned_and_only_what_no_log_knows_is_freed(tmp_path: Path) -> None:
    """A process that is asleep is not dead, however long it sleeps: its lock says so, no clock does."""
    path = str(tmp_path / "ledger.sqlite")
    ledger = BudgetLedger(path, each=Cap(CAP))
    ledger.reserve(workspace_id="ws_1", attempt_id="att_own", nano_usd=CALL)
    here, there = mp.Pipe()
    other = mp.get_context("spawn").Process(target=_reserve_and_wait, args=(path, there))
    other.start()
    assert here.recv() == "reserved"
    assert ledger.abandoned() == []
    other.kill()
    other.join()
    assert [one.attempt_id for one in ledger.abandoned()] == ["att_dead"]
    assert ledger.booked("ws_1") == Money(2 * CALL)
    ledger.release(["att_dead"])
    assert ledger.booked("ws_1") == Money(CALL)
    assert ledger.abandoned() == []
    ledger.close()
    assert [file.name for file in tmp_path.glob("*.owner.*")] == []


def test_a_call_of_the_dead_that_the_log_knows_stays_booked_and_is_asked_about_once(tmp_path: Path) -> None:
    first = BudgetLedger(tmp_path / "l", each=Cap(CAP))
    first.reserve(workspace_id="ws_1", attempt_id="att_1", nano_usd=CALL)
    first.close()
    second = BudgetLedger(tmp_path / "l", each=Cap(CAP))
    (left,) = second.abandoned()
    second.reconcile([Booking("att_1", "ws_1", left.reserved_at_us, CALL, ended=False)], at_us=left.reserved_at_us)
    assert second.abandoned() == []
    assert second.booked("ws_1") == Money(CALL)
    second.close()
