"""The response cache: the same request is answered again for nothing, and nobody reads what is not theirs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.core.execution import ProviderCall
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError, LogError, ProviderError
from bizq_lab.execution import ResponseCache
from bizq_lab.lab import Lab
from bizq_lab.lab.budgets import cache_path
from tests.support.execution import (
    CATALOG,
    SIDE_EFFECTS,
    FakeClock,
    ListSink,
    ScriptedProvider,
    decision,
    reply,
    scripted,
)
from tests.support.lab_bulk import POST, WHERE, Watched, bulk_lab, bulk_tasks
from tests.support.lab_small import OTHER, rows


def cached(folder: Path, provider: ScriptedProvider, **settings: Any) -> tuple[Any, ListSink]:
    clock, sink = FakeClock(), ListSink()
    cache = ResponseCache(folder / "cache.sqlite", clock=clock)
    return scripted(
        clock=clock, sink=sink, providers={"openai": provider}, cache=cache, catalog=CATALOG, **settings
    ), sink


def test_the_same_request_is_answered_again_at_no_cost_and_flagged(tmp_path: Path) -> None:
    provider = ScriptedProvider(reply("Fine."))
    executor, sink = cached(tmp_path, provider)
    made = decision("openai/sol")
    first, second = (executor.execute_with_failover(made.task, made, made.context) for _ in range(2))
    assert len(provider.calls) == 1
    assert (first.output, second.output) == ("Fine.", "Fine.")
    assert [row.cost_nano_usd for row in sink.attempts] == [75_000, 0]
    assert ["cached" in row.flags for row in sink.attempts] == [False, True]
    assert [row.input_tokens for row in sink.attempts] == [40, 40]
    assert (second.metrics.cost, second.metrics.first_token_time) == (0.0, None)


@pytest.mark.parametrize(
    "change",
    [
        {"context": RoutingContext(workspace_id="ws_2")},
        {"task": Task(type=OTHER, input={"q": "other"}, id="task_1")},
        {"design": "paired"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_workspace_another_question_and_a_comparison_ask_the_provider(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    provider = ScriptedProvider(reply())
    executor, _ = cached(tmp_path, provider)
    made = decision("openai/sol")
    for one in (made, replace(made, **change)):
        executor.execute_with_failover(one.task, one, one.context)
    assert len(provider.calls) == 2


def test_a_parameter_that_is_sent_is_part_of_the_request(tmp_path: Path) -> None:
    provider = ScriptedProvider(reply())
    executor, _ = cached(tmp_path, provider)
    made = decision("openai/sol")
    for changes in ({}, {"temperature": 0.9}, {"max_tokens": 50}, {"api_model": "sol-2"}, {}):
        one = replace(made, config=replace(made.config, **changes))
        executor.execute_with_failover(one.task, one, one.context)
    assert len(provider.calls) == 4


def test_what_failed_was_rejected_or_has_side_effects_is_asked_again(tmp_path: Path) -> None:
    made = decision("openai/sol")
    for name, first in (("failed", ProviderError("no", error_class="bad_request")), ("rejected", reply(""))):
        provider = ScriptedProvider(first, reply())
        (tmp_path / name).mkdir()
        executor, _ = cached(tmp_path / name, provider)
        statuses = [executor.execute_with_failover(made.task, made, made.context).status for _ in range(2)]
        assert (statuses, len(provider.calls)) == (["escalated", "completed"], 2)
    provider = ScriptedProvider(reply())
    executor, _ = cached(tmp_path, provider)
    acting = decision("openai/sol", task=Task(type=SIDE_EFFECTS, id="task_1"))
    for _ in range(2):
        executor.execute_with_failover(acting.task, acting, acting.context)
    assert len(provider.calls) == 2


def test_a_file_that_is_no_cache_is_named_and_a_row_that_is_none_is_a_miss(tmp_path: Path) -> None:
    import sqlite3  # noqa: PLC0415 - only here is the file spoiled

    provider = ScriptedProvider(reply())
    executor, _ = cached(tmp_path, provider)
    made = decision("openai/sol")
    executor.execute_with_failover(made.task, made, made.context)
    with sqlite3.connect(tmp_path / "cache.sqlite") as file:
        file.execute("UPDATE response SET reply = '{\"text\": 1}'")
    file.close()
    executor.execute_with_failover(made.task, made, made.context)
    assert len(provider.calls) == 2
    (tmp_path / "cache.sqlite").write_bytes(b"something else" * 100)
    with pytest.raises(LogError, match=r"the response cache 'cache\.sqlite' cannot be used"):
        executor.execute_with_failover(made.task, made, made.context)


def test_what_is_forgotten_leaves_no_byte(tmp_path: Path) -> None:
    clock = FakeClock()
    cache = ResponseCache(tmp_path / "cache.sqlite", clock=clock)
    executor = scripted(
        clock=clock, catalog=CATALOG, cache=cache,
        providers={"openai": ScriptedProvider(reply("a plain secret of ws_1"), reply("a plain secret of ws_2"))},
    )  # fmt: skip
    for workspace in ("ws_1", "ws_2"):
        made = decision("openai/sol", context=RoutingContext(workspace_id=workspace))
        executor.execute_with_failover(made.task, made, made.context)
        clock.now += 100
    assert (cache.count(), cache.count(workspace_id="ws_1"), cache.count(before_us=clock.now_us() - 150_000_000)) == (
        2,
        1,
        1,
    )
    assert cache.remove(workspace_id="ws_1") == 1
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"secret of ws_2" in kept
    assert b"secret of ws_1" not in kept
    assert cache.remove() == 1
    assert b"plain secret" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_second_run_of_the_same_tasks_is_free_and_repeats_are_their_own_draws(tmp_path: Path) -> None:
    counts: Counter[int] = Counter()

    def drawn(call: ProviderCall) -> str:
        counts[call.repeat] += 1
        return f"Draw {call.repeat}."

    tasks = bulk_tasks(3)
    with bulk_lab(tmp_path, Watched(drawn), cache=True) as lab:
        first = lab.run_many(tasks, WHERE, repeats=2)
        second = lab.run_many(tasks, WHERE, repeats=2)
        lab.log.collect()
    assert counts == {0: 3, 1: 3}
    assert [row.output for row in second.rows] == [row.output for row in first.rows]
    assert first.cost.nano_usd > second.cost.nano_usd == 0
    assert {row.cached for row in second.rows} == {True}
    flagged = rows(tmp_path / "lab.duckdb", "SELECT count(*) AS n FROM attempt WHERE list_contains(flags, 'cached')")
    assert flagged == [{"n": 6}]
    held = cache_path(tmp_path / "lab.duckdb").read_bytes()
    assert str(POST["hashtag"]).encode() not in held, "of the request only its hash is kept"


@pytest.mark.parametrize("payloads", ["hash", "none"])
def test_answers_that_the_log_must_not_keep_are_not_cached_either(tmp_path: Path, payloads: Any) -> None:
    with pytest.raises(InputError, match="the cache would keep the answers"):
        Lab.open(tmp_path / "lab.duckdb", payloads=payloads, cache=True)
