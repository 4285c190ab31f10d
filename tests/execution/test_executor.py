"""The loop around the calls: money, time, permissions, escalation, cancellation, what raises and what does not."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any, cast

import pytest

from bizq_lab.core.decision import RoutingDecision
from bizq_lab.core.events import AttemptStartedEvent, Event
from bizq_lab.core.execution import Parameters, ProviderCall, ProviderReply, TaskResult
from bizq_lab.core.model import Price
from bizq_lab.core.money import Money
from bizq_lab.core.task import RoutingContext, Task, WorkspacePreferences
from bizq_lab.errors import (
    BudgetRefused,
    JournalWriteError,
    MissingKey,
    OfflineConfig,
    ProviderError,
    RetiredModel,
    UnknownProvider,
)
from bizq_lab.execution import RetrySettings, make_provider
from bizq_lab.execution.executor import ResilientExecutor
from bizq_lab.execution.human_tasks import iso_utc
from tests.support.execution import (
    SIDE_EFFECTS,
    FakeClock,
    ListSink,
    ScriptedProvider,
    TinyCatalog,
    classes,
    config,
    decision,
    reply,
    scripted,
)

WS = RoutingContext(workspace_id="ws_1")
DOWN = ProviderError("down", error_class="server_error", response_time_s=1.0)


def run(executor: ResilientExecutor, made: RoutingDecision) -> TaskResult:
    return executor.execute_with_failover(made.task, made, made.context)


def test_a_completed_task_is_one_started_one_attempt_one_outcome_in_this_order() -> None:
    sink, provider = ListSink(), ScriptedProvider(reply())
    result = run(scripted(sink=sink, providers={"openai": provider}), decision("openai/sol"))
    assert [event.kind for event in sink.events] == ["attempt_started", "attempt", "outcome"]
    assert (result.status, result.output, result.quality, result.quality_source) == (
        "completed",
        "Fine.",
        1.0,
        "checks",
    )
    # 40 input tokens at 1 USD and 7 output tokens at 5 USD a million, in nano-USD.
    assert result.cost == Money(40_000 + 35_000)
    assert sink.outcome.cost_nano_usd == 75_000
    assert result.metrics.tokens_per_second == pytest.approx(7 / 0.4)
    assert sink.outcome.time_to_first_chunk_us == 100_000


def test_the_row_of_an_attempt_names_unit_prices_and_what_was_sent() -> None:
    sink = ListSink()
    sent = reply(sent={"temperature": 0.2}, request_id="req_9", served_model="sol")
    run(scripted(sink=sink, providers={"openai": ScriptedProvider(sent)}), decision("openai/sol"))
    (row,) = sink.attempts
    assert (row.input_nano_usd_per_mtok, row.output_nano_usd_per_mtok, row.price_version) == (10**9, 5 * 10**9, "p1")
    assert (row.request_temperature, row.sent_temperature, row.response_id) == (0.2, 0.2, "req_9")
    assert (row.output, row.purpose, row.ordinal) == ("Fine.", "task", 1)


def test_the_row_says_what_was_decided_beside_what_was_sent() -> None:
    """A model that takes no temperature gets none, and nobody has to guess."""
    sink = ListSink()
    made = decision("anthropic/sonnet")
    made = replace(made, config=replace(made.config, seed=7, top_p=0.9, stop=("END",)))
    sent: Parameters = {"model": "sonnet", "max_tokens": 100, "stop_sequences": ["END"]}
    run(scripted(sink=sink, providers={"anthropic": ScriptedProvider(reply(sent=sent))}), made)
    (row,) = sink.attempts
    asked = {"temperature": 0.2, "max_tokens": 100, "seed": 7, "top_p": 0.9, "stop": ["END"]}
    assert row.requested_parameters == {"model": "sonnet", **asked}
    assert row.sent_parameters == sent
    assert {flag for flag in row.flags if "_not_sent" in flag} == {
        f"{name}_not_sent" for name in ("temperature", "seed", "top_p")
    }


def test_the_row_of_a_call_that_failed_says_what_was_sent() -> None:
    sink = ListSink()
    down = ProviderError("down", error_class="bad_request", sent={"model": "sol"})
    run(scripted(sink=sink, providers={"openai": ScriptedProvider(down)}), decision("openai/sol"))
    assert sink.attempts[0].sent_parameters == {"model": "sol"}


def test_a_local_call_costs_its_core_seconds() -> None:
    sink = ListSink()
    run(scripted(sink=sink, providers={"local": ScriptedProvider(reply(core_seconds=1.5))}), decision("local/small"))
    assert (sink.attempts[0].core_us, sink.attempts[0].cost_nano_usd) == (1_500_000, 15_000)
    assert sink.attempts[0].core_second_nano_usd == 10_000


def test_an_unknown_price_is_no_cost_and_a_flag_never_zero() -> None:
    sink = ListSink()
    made = decision("openai/sol")
    made = replace(made, config=replace(made.config, price=Price()))
    result = run(scripted(sink=sink, providers={"openai": ScriptedProvider(reply())}), made)
    assert result.cost is None
    assert sink.attempts[0].cost_nano_usd is sink.outcome.cost_nano_usd is None
    assert "price_unknown" in sink.attempts[0].flags


def test_a_served_model_is_priced_as_served_and_charged_to_the_assigned_one() -> None:
    """S4, S24: luna costs twice as much as sol."""
    sink = ListSink()
    provider = ScriptedProvider(reply(served_model="luna-2026-01-01"))
    run(scripted(sink=sink, providers={"openai": provider}), decision("openai/sol"))
    row = sink.attempts[0]
    assert (row.model, row.response_model, row.cost_nano_usd) == ("openai/sol", "luna-2026-01-01", 150_000)
    assert sink.outcome.served_model == "openai/luna"


@pytest.mark.parametrize(
    ("payloads", "output", "hashed"), [("full", "Fine.", True), ("hash", None, True), ("none", None, False)]
)
def test_outputs_are_kept_hashed_or_dropped_by_policy(payloads: Any, output: str | None, *, hashed: bool) -> None:
    sink = ListSink()
    run(scripted(sink=sink, providers={"openai": ScriptedProvider(reply())}, payloads=payloads), decision("openai/sol"))
    assert sink.attempts[0].output == output
    assert bool(sink.attempts[0].output_sha256) is hashed


def test_all_models_down_is_one_human_task_and_no_exception() -> None:
    """Fault 36: three attempts a model, one escalation row, everything in the result."""
    sink, clock = ListSink(), FakeClock()
    providers = {"openai": ScriptedProvider(DOWN), "anthropic": ScriptedProvider(DOWN)}
    context = RoutingContext(workspace_id="ws_1", priority="urgent", max_processing_time=60)
    executor = scripted(sink=sink, clock=clock, providers=providers)
    result = run(executor, decision("openai/sol", "anthropic/sonnet", context=context))
    assert classes(sink.attempts) == ["openai/sol:server_error"] * 3 + ["anthropic/sonnet:server_error"] * 3
    (human,) = sink.human_tasks
    assert result.status == "escalated"
    assert (human.human_task_id, human.status, human.priority) == (result.human_task_id, "open", "urgent")
    assert (human.estimated_minutes, human.cost_nano_usd) == (45, 22_500_000_000)
    assert human.due_at_us == human.recorded_at_us + 3_600 * 10**6
    assert result.estimated_completion == iso_utc(human.due_at_us)
    assert result.cost == Money(22_500_000_000)
    assert (sink.outcome.succeeded, sink.outcome.quality_ppm, sink.outcome.cost_nano_usd) == (False, 0, 0)
    assert result.processing_time <= 60


def test_an_unacceptable_last_answer_escalates_too() -> None:
    """S21: the sketch throws here. The rejected answers cost what they cost."""
    sink = ListSink()
    providers = {"openai": ScriptedProvider(reply("")), "anthropic": ScriptedProvider(reply(" "))}
    result = run(scripted(sink=sink, providers=providers), decision("openai/sol", "anthropic/sonnet"))
    assert classes(sink.attempts) == ["openai/sol:quality_reject", "anthropic/sonnet:quality_reject"]
    assert {row.status for row in sink.attempts} == {"rejected"}
    assert "check:non_empty" in sink.attempts[0].flags
    assert (result.status, sink.outcome.error_type) == ("escalated", "quality_reject")
    assert sink.outcome.cost_nano_usd == 150_000


def test_an_offline_comparison_measures_the_arm_alone_and_hands_no_work_to_people() -> None:
    """A rescue would count for the arm that needed it, and a study would fill the queue of people."""
    sink, provider = ListSink(), ScriptedProvider(DOWN)
    made = replace(decision("openai/sol", "anthropic/sonnet"), design="paired")
    result = run(scripted(sink=sink, providers={"openai": provider, "anthropic": provider}), made)
    assert (result.status, result.quality, result.human_task_id) == ("failed", 0.0, None)
    assert {attempt.config.key for attempt in result.attempts} == {"openai/sol"}
    assert "human_task" not in {event.kind for event in sink.events}


def test_the_chain_never_repeats_a_model() -> None:
    sink = ListSink()
    providers = {"openai": ScriptedProvider(reply("")), "anthropic": ScriptedProvider(reply(""))}
    run(
        scripted(sink=sink, providers=providers), decision("openai/sol", "openai/sol", "anthropic/sonnet", "openai/sol")
    )
    assert [row.model for row in sink.attempts] == ["openai/sol", "anthropic/sonnet"]


def test_retries_fail_over_and_waits_share_one_budget_of_attempts() -> None:
    sink = ListSink()
    providers = {"openai": ScriptedProvider(DOWN), "anthropic": ScriptedProvider(DOWN)}
    executor = scripted(sink=sink, providers=providers, retry=RetrySettings(attempts_per_task=2))
    result = run(executor, decision("openai/sol", "anthropic/sonnet"))
    assert len(sink.attempts) == 2
    assert "2 attempts were made" in result.reasoning


def test_the_deadline_bounds_the_chain_and_each_call_gets_what_is_left() -> None:
    """S20: failed attempts keep their time; the wait that would pass the deadline is not begun."""
    sink, clock = ListSink(), FakeClock()
    providers = {"openai": ScriptedProvider(DOWN), "anthropic": ScriptedProvider(reply())}
    context = RoutingContext(workspace_id="ws_1", max_processing_time=3.05)
    executor = scripted(sink=sink, clock=clock, providers=providers, retry=RetrySettings(backoff_base_s=0.001))
    result = run(executor, decision("openai/sol", "anthropic/sonnet", context=context))
    last = providers["anthropic"].calls[0]
    assert last.timeout_s == pytest.approx(0.05, abs=0.01)
    assert result.processing_time <= 3.05
    # The recorded half second of the backup is longer than what was left: it timed out, as it would have in life.
    assert classes(sink.attempts)[-1] == "anthropic/sonnet:timeout_read"
    assert (sink.outcome.timed_out, result.status) == (True, "escalated")


def test_no_time_at_all_sends_nothing() -> None:
    provider = ScriptedProvider(reply())
    context = RoutingContext(workspace_id="ws_1", max_processing_time=0)
    result = run(scripted(providers={"openai": provider}), decision("openai/sol", context=context))
    assert (provider.calls, result.status, result.metrics.error_type) == ([], "escalated", "deadline")


def test_a_fallback_that_could_pass_max_cost_is_not_called() -> None:
    sink = ListSink()
    providers = {"openai": ScriptedProvider(reply("")), "anthropic": ScriptedProvider(reply())}
    context = RoutingContext(workspace_id="ws_1", max_cost=0.0001)
    result = run(scripted(sink=sink, providers=providers), decision("openai/sol", "anthropic/sonnet", context=context))
    assert [row.model for row in sink.attempts] == ["openai/sol"]
    assert "its worst case would pass max_cost" in result.reasoning


def test_an_unrouted_config_is_held_to_max_cost_from_its_first_call() -> None:
    provider = ScriptedProvider(reply())
    executor = scripted(providers={"openai": provider})
    context = RoutingContext(workspace_id="ws_1", max_cost=0.0001)
    result = executor.execute_with_failover(Task(type="t"), config("openai/sol"), context)
    assert (provider.calls, result.status) == ([], "escalated")


def test_a_ledger_that_refuses_keeps_the_call_from_being_sent() -> None:
    class Empty:
        """A ledger with nothing left."""

        def reserve(self, *, workspace_id: str, attempt_id: str, nano_usd: int) -> None:
            raise BudgetRefused(f"{workspace_id} has nothing left for {attempt_id}: {nano_usd}")

        def settle(self, attempt_id: str, nano_usd: int) -> None:
            raise AssertionError(attempt_id, nano_usd)

    sink, provider = ListSink(), ScriptedProvider(reply())
    result = run(scripted(sink=sink, providers={"openai": provider}, budget=Empty()), decision("openai/sol"))
    assert (provider.calls, sink.attempts, result.metrics.error_type) == ([], [], "budget")
    assert "ws_1 has nothing left" in result.reasoning


# -- S22 ------------------------------------------------------------------------------------------------------------


def _side_effects(*steps: Any) -> tuple[ListSink, ScriptedProvider, TaskResult]:
    sink, provider = ListSink(), ScriptedProvider(*steps)
    task = Task(type=SIDE_EFFECTS, id="task_1")
    executor = scripted(sink=sink, providers={"openai": provider, "anthropic": ScriptedProvider(reply())})
    return sink, provider, run(executor, decision("openai/sol", "anthropic/sonnet", task=task))


@pytest.mark.parametrize("error_class", ["timeout_read", "reset", "malformed", "gateway_timeout"])
def test_a_task_with_side_effects_is_not_repeated_once_it_may_have_been_acted_upon(error_class: str) -> None:
    sink, _, result = _side_effects(ProviderError("gone", error_class=error_class))
    assert (len(sink.attempts), result.status) == (1, "escalated")
    assert "side effects" in result.reasoning


def test_a_task_with_side_effects_is_repeated_when_nothing_was_sent_or_we_rejected_it() -> None:
    sink, _, result = _side_effects(ProviderError("no", error_class="refused"), reply(""))
    assert classes(sink.attempts) == ["openai/sol:refused", "openai/sol:quality_reject", "anthropic/sonnet:ok"]
    assert result.status == "completed"


def test_every_call_of_a_task_with_side_effects_carries_the_same_idempotency_key() -> None:
    _, provider, _ = _side_effects(ProviderError("no", error_class="refused"), reply())
    assert len({call.idempotency_key for call in provider.calls}) == 1
    assert provider.calls[0].idempotency_key.startswith("idem_")


def test_local_never_leaves_the_machine_unless_the_workspace_allows_it() -> None:
    providers = {"local": ScriptedProvider(reply("")), "openai": ScriptedProvider(reply())}
    kept = run(scripted(providers=providers), decision("local/small", "openai/sol"))
    allowed = RoutingContext(workspace_id="w", workspace_preferences=WorkspacePreferences(allow_remote_failover=True))
    let_go = run(scripted(providers=providers), decision("local/small", "openai/sol", context=allowed))
    assert (kept.status, let_go.status) == ("escalated", "completed")


# -- what raises ----------------------------------------------------------------------------------------------------


def _raised(
    error: type[Exception], providers: Any, made: RoutingDecision, sink: ListSink | None = None, **settings: Any
) -> str:
    sink = sink or ListSink()
    with pytest.raises(error) as caught:
        run(scripted(sink=sink, providers=providers, **settings), made)
    assert not [event for event in sink.events if event.kind in {"outcome", "human_task"}]
    return str(caught.value)


def test_a_missing_key_raises_when_no_model_could_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is nobody's failure but the installation's: the decision stays pending, and no person is called."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    sink = ListSink()
    assert "OPENAI_API_KEY" in _raised(MissingKey, {"openai": make_provider("openai")}, decision("openai/sol"), sink)
    assert classes(sink.attempts) == ["openai/sol:missing_key"]


def test_a_missing_key_is_only_a_warning_when_another_provider_serves(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    providers = {"openai": make_provider("openai"), "anthropic": ScriptedProvider(reply())}
    with caplog.at_level(logging.WARNING):
        result = run(scripted(providers=providers), decision("openai/sol", "openai/luna", "anthropic/sonnet"))
    assert result.status == "completed"
    assert "OPENAI_API_KEY is not set" in result.reasoning
    assert "OPENAI_API_KEY" in caplog.text


def test_an_unknown_provider_raises() -> None:
    assert "openai" in _raised(UnknownProvider, {"open": ScriptedProvider(reply())}, decision("openai/sol"))


def test_an_outcome_that_was_never_recorded_raises() -> None:
    class Nothing:
        """An empty recording."""

        def lookup(self, **_: object) -> None:
            return None

    replay = make_provider("replay", outcomes=Nothing())
    assert "no recorded outcome of task 'task_1'" in _raised(ProviderError, {"openai": replay}, decision("openai/sol"))


class Live(ScriptedProvider):
    """A scripted provider that claims to be real."""

    live = True


def test_a_live_provider_refuses_a_retired_model_and_names_the_replacement() -> None:
    assert "openai/sol" in _raised(RetiredModel, {"openai": Live(reply())}, decision("openai/old"))


def test_a_live_provider_refuses_a_catalog_for_study() -> None:
    class Study(TinyCatalog):
        """As the classic preset."""

        purpose = "offline"

    message = _raised(OfflineConfig, {"openai": Live(reply())}, decision("openai/sol"), catalog=cast("Any", Study()))
    assert "offline" in message


def test_nothing_is_sent_when_the_log_cannot_be_written() -> None:
    sink, provider = ListSink(), ScriptedProvider(reply())

    def refuse(event: Event) -> None:
        if isinstance(event, AttemptStartedEvent):
            message = "disk full"
            raise JournalWriteError(message)

    sink.before_append = refuse
    _raised(JournalWriteError, {"openai": provider}, decision("openai/sol"), sink)
    assert provider.calls == []


def test_whatever_a_plug_in_raises_is_booked_as_unexpected() -> None:
    sink = ListSink()
    providers = {"openai": ScriptedProvider(ZeroDivisionError("bug")), "anthropic": ScriptedProvider(reply())}
    result = run(scripted(sink=sink, providers=providers), decision("openai/sol", "anthropic/sonnet"))
    assert classes(sink.attempts) == ["openai/sol:unexpected", "anthropic/sonnet:ok"]
    assert result.status == "completed"


# -- cancelling -----------------------------------------------------------------------------------------------------


def test_a_cancelled_await_books_the_attempt_and_sends_nothing_more() -> None:
    """S20: the row says `cancelled`, its worst case stays booked, and the cancellation reaches the caller."""
    sink = ListSink()

    async def scenario() -> ScriptedProvider:
        entered = asyncio.Event()

        async def never(_: ProviderCall) -> ProviderReply:
            entered.set()
            await asyncio.Event().wait()
            raise AssertionError

        provider = ScriptedProvider(never)
        executor = scripted(sink=sink, providers={"openai": provider, "anthropic": ScriptedProvider(reply())})
        made = decision("openai/sol", "anthropic/sonnet")
        running = asyncio.create_task(executor.execute(made, made.task, made.context))
        await entered.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return provider

    provider = asyncio.run(scenario())
    (row,) = sink.attempts
    assert (row.status, row.error_type, row.maybe_billed, len(provider.calls)) == ("cancelled", "cancelled", True, 1)
    assert (sink.outcome.status, sink.outcome.quality_ppm, sink.human_tasks) == ("cancelled", None, [])
    assert (sink.outcome.attempts, sink.outcome.cost_nano_usd) == (1, row.cost_nano_usd)


# -- the synchronous front ------------------------------------------------------------------------------------------


def test_an_unrouted_config_gets_the_specifications_chain() -> None:
    """Other provider of the same tier, then the cheapest; the specification's own chain repeats the primary."""
    sink = ListSink()
    providers = {"openai": ScriptedProvider(reply("")), "anthropic": ScriptedProvider(reply(""))}
    executor = scripted(sink=sink, providers=providers)
    executor.execute_with_failover(Task(type="t"), config("openai/luna"), WS)
    assert [row.model for row in sink.attempts] == ["openai/luna", "anthropic/haiku"]


def test_the_same_call_works_inside_a_running_loop() -> None:
    """As in Jupyter, where one always runs."""

    async def cell() -> str:
        return run(scripted(providers={"openai": ScriptedProvider(reply())}), decision("openai/sol")).status

    assert asyncio.run(cell()) == "completed"


def test_a_result_repeats_under_injected_clock_and_ids() -> None:
    """Nothing of the real clock may leak into a replayed study."""

    def once() -> list[Event]:
        sink = ListSink()
        providers = {"openai": ScriptedProvider(DOWN), "anthropic": ScriptedProvider(reply())}
        run(scripted(sink=sink, providers=providers), decision("openai/sol", "anthropic/sonnet"))
        return sink.events

    assert once() == once()
