"""Many tasks at once: all checked before any is sent, each executed once whatever dies, never beyond the cap."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from bizq_lab.catalog import load_catalog
from bizq_lab.core.events import Event
from bizq_lab.core.execution import ProviderCall
from bizq_lab.core.money import Money
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import (
    BudgetRefused,
    InputError,
    LogLocked,
    MissingKey,
    NoFeasibleModel,
    NotEnoughData,
    ProviderError,
)
from bizq_lab.lab import Lab
from bizq_lab.lab.providers import LazyProviders
from bizq_lab.store import Log, claim, journal_folder
from tests.support.lab_bulk import POST, WHERE, Watched, bulk_lab, bulk_tasks, start
from tests.support.lab_small import DAY, OTHER, TYPE, rows, small_lab, tasks_of

BAD = Task(type=TYPE, input={"policy": "none"})
ANSWERED = "FROM attempt WHERE status = 'completed'"
ACTS = "order.process_batch"


def logged(folder: Path, text: str) -> list[dict[str, Any]]:
    return rows(folder / "lab.duckdb", text)


# -- before anything --------------------------------------------------------------------------------------------------


def test_every_input_is_checked_before_anything_is_decided_logged_or_sent(tmp_path: Path) -> None:
    provider = Watched()
    with bulk_lab(tmp_path, provider, max_cost_usd=1.0) as lab:
        spent = lab.ledger.booked() if lab.ledger else None
        with pytest.raises(InputError) as refused:
            lab.run_many([*bulk_tasks(3), BAD, BAD], WHERE)
        assert lab.ledger is not None
        assert lab.ledger.booked() == spent == Money(0)
    assert "2 rows cannot be run" in refused.value.message
    assert "row 4: " in refused.value.message
    assert "row 5: " in refused.value.message
    assert "lacks the field 'case'" in refused.value.message
    assert provider.calls == 0
    assert list(journal_folder(tmp_path / "lab.duckdb").glob("*.jsonl")) == []


def test_a_single_task_with_a_bad_input_leaves_no_decision_behind(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        with pytest.raises(InputError, match="lacks the field 'case'"):
            lab.run(BAD, WHERE)
        lab.log.collect()
    assert logged(tmp_path, "FROM decision") == []


def test_a_row_that_no_model_can_serve_is_refused_before_the_others_are_sent(tmp_path: Path) -> None:
    provider = Watched()
    poor = RoutingContext(workspace_id="ws_1", max_cost=0.0)
    with bulk_lab(tmp_path, provider) as lab, pytest.raises(NoFeasibleModel):
        lab.run_many(bulk_tasks(2), [WHERE, poor])
    assert provider.calls == 0


@pytest.mark.parametrize(
    ("tasks", "options"),
    [
        ([], {}),
        (bulk_tasks(1), {"repeats": 0}),
        (bulk_tasks(1), {"concurrency": 0}),
        (bulk_tasks(1), {"concurrency": {"openai": -1}}),
        (bulk_tasks(1), {"run_id": "../outside"}),
        (bulk_tasks(1), {"max_cost_usd": float("nan")}),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, tasks: list[Task], options: dict[str, Any]) -> None:
    provider = Watched()
    with bulk_lab(tmp_path, provider) as lab, pytest.raises(InputError):
        lab.run_many(tasks, WHERE, **options)
    assert provider.calls == 0


def test_the_preview_is_the_routers_own_estimate_and_says_what_has_no_price(tmp_path: Path) -> None:
    tasks = [*bulk_tasks(3), *tasks_of(OTHER, 2)]
    with small_lab(tmp_path) as lab:
        preview = lab.preview(tasks, WHERE)
        estimates = [lab.route(task, WHERE).estimate for task in tasks]
    assert preview.tasks == 5
    assert preview.low_usd == pytest.approx(sum(one.low or 0 for one in estimates))
    assert preview.expected_usd == pytest.approx(sum(one.estimated_cost or 0 for one in estimates))
    assert preview.high_usd == pytest.approx(sum(one.high or 0 for one in estimates))
    assert 0 < preview.low_usd < preview.expected_usd < preview.high_usd
    assert preview.spends_money
    assert "5 tasks: $" in preview.summary()
    assert preview.plot().get_title(loc="left")


def test_what_has_no_known_price_is_in_no_sum_is_said_and_is_refused_by_a_cap(tmp_path: Path) -> None:
    """S4: an unknown price is never 0."""
    file = tmp_path / "catalog.toml"
    file.write_text(
        f'[task_types."{OTHER}"]\nmodels = ["openai/gpt-6-luna"]\n'
        '[[models]]\nprovider = "openai"\nmodel = "gpt-6-luna"\nprices = []\n'
    )
    unpriced = load_catalog(override=file, as_of=DAY)
    with bulk_lab(tmp_path, provider := Watched(), catalog=unpriced) as lab:
        preview = lab.preview([*bulk_tasks(3), *tasks_of(TYPE, 1)], WHERE)
        assert (preview.tasks, preview.unpriced) == (4, 3)
        assert preview.spends_money, "nobody knows how much, so somebody has to agree"
        assert preview.summary().endswith(", and 3 without a known price")
        assert [caveat.code for caveat in preview.caveats] == ["unpriced"]
        assert [row.expected_usd for row in preview.rows if row.unpriced] == [0.0]
        assert " ".join(preview.plot().get_title(loc="left").split()).endswith("without a known price")
        with pytest.raises(BudgetRefused):
            lab.run_many(bulk_tasks(3), WHERE, max_cost_usd=1.0)
        assert provider.calls == 0
        run = lab.run_many(bulk_tasks(3), WHERE)
        lab.log.collect()
    assert run.counts == {"completed": 3}
    for table in ("attempt", "outcome"):
        assert [row["cost_nano_usd"] for row in logged(tmp_path, f"FROM {table}")] == [None] * 3


def test_the_dry_run_touches_no_network_makes_no_provider_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    providers: Any = LazyProviders(cast("Any", dict.fromkeys(("openai", "anthropic", "local"), refuse)))
    with small_lab(tmp_path, providers=providers, config=None) as lab:
        assert lab.preview(bulk_tasks(4), WHERE).tasks == 4
        with pytest.raises(AssertionError):  # the trap would have sprung
            lab.run(bulk_tasks(1)[0], WHERE)
    with small_lab(tmp_path / "other", providers=providers, config=None) as lab:
        lab.preview(bulk_tasks(4), WHERE)
    assert not (tmp_path / "other").exists()


# -- the run ----------------------------------------------------------------------------------------------------------


def test_rows_come_back_in_order_with_every_one_logged_once(tmp_path: Path) -> None:
    tasks = bulk_tasks(20)
    with bulk_lab(tmp_path, Watched(lambda call: call.prompt)) as lab:
        run = lab.run_many(tasks, WHERE, run_id="spring")
        lab.log.collect()
    assert [row.task_id for row in run.rows] == [task.id for task in tasks]
    assert all(f"Item {number}." in row.output for number, row in enumerate(run.rows))
    assert run.counts == {"completed": 20}
    found = logged(tmp_path, "SELECT run_id, run_row, run_try, decision_id FROM decision ORDER BY run_row")
    assert [(row["run_id"], row["run_row"], row["run_try"]) for row in found] == [("spring", n, 0) for n in range(20)]
    assert [row["decision_id"] for row in found] == [row.decision_id for row in run.rows]
    cost = logged(tmp_path, "SELECT sum(cost_nano_usd)::BIGINT AS nano FROM attempt")[0]["nano"]
    assert run.cost.nano_usd == cost > 0
    assert [row["status"] for row in logged(tmp_path, "SELECT status FROM run ORDER BY recorded_at_us")] == [
        "started",
        "finished",
    ]
    assert "20 of 20 completed" in run.summary()
    assert run.plot().get_title(loc="left")


def test_each_provider_has_its_own_width(tmp_path: Path) -> None:
    openai, others = Watched(), Watched()
    providers = {"openai": openai, "anthropic": others, "local": others}
    with small_lab(tmp_path, providers=providers, config=None) as lab:
        first = lab.run_many(bulk_tasks(24), WHERE, concurrency={"openai": 3})
        assert openai.calls == 24
        assert openai.most == 3
        lab.run_many(bulk_tasks(24), WHERE)
    assert first.counts == {"completed": 24}
    assert openai.most == 8


def test_a_repeated_task_is_one_more_repetition_of_it(tmp_path: Path) -> None:
    provider = Watched()
    one, two = bulk_tasks(2)
    with bulk_lab(tmp_path, provider) as lab:
        run = lab.run_many([one, two, one], WHERE, repeats=2)
    assert Counter(provider.keys) == Counter({(one.key, n): 1 for n in range(4)} | {(two.key, n): 1 for n in range(2)})
    assert len(run.rows) == 6


def test_asynchronous_callers_have_the_same_run(tmp_path: Path) -> None:
    with bulk_lab(tmp_path, Watched()) as lab:
        run = asyncio.run(lab.run_many_async(bulk_tasks(5), WHERE))
    assert run.counts == {"completed": 5}


def test_the_bar_tells_the_cost_so_far_to_people_and_is_silent_otherwise(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with bulk_lab(tmp_path, Watched()) as lab:
        lab.run_many(bulk_tasks(3), WHERE)
        assert capfd.readouterr().err == ""
        run = lab.run_many(bulk_tasks(3), WHERE, progress=True)
    err = capfd.readouterr().err
    assert f"{run.cost} so far" in err
    assert "3/3" in err


def test_a_run_that_can_call_nobody_stops_and_says_that_it_can_be_resumed(tmp_path: Path) -> None:
    def locked_out(call: ProviderCall) -> str:
        raise MissingKey(call.config.provider)

    with bulk_lab(tmp_path, Watched(locked_out)) as lab:
        with pytest.raises(MissingKey) as stopped:
            lab.run_many(bulk_tasks(50), WHERE, concurrency=2)
        assert "can be resumed" in stopped.value.__notes__[0]
    with bulk_lab(tmp_path, provider := Watched(), seed=2) as lab:
        assert lab.run_many(bulk_tasks(50), WHERE, resume=True).counts == {"completed": 50}
    assert Counter(provider.keys).most_common(1)[0][1] == 1


# -- going on ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("calls", [0, 7])
def test_a_killed_run_is_resumed_exact_to_the_row(tmp_path: Path, calls: int) -> None:
    """Kill -9 with three calls under way; only rows without an accepted answer are executed again."""
    with start(tmp_path, 12, calls) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        process.kill()
    with Log.open(tmp_path / "lab.duckdb") as log:
        log.collect()
    ended = {
        row["run_row"]: row["decision_id"]
        for row in logged(
            tmp_path, "FROM decision SEMI JOIN (FROM attempt WHERE status = 'completed') USING (decision_id)"
        )
    }
    assert len(ended) <= calls
    provider = Watched()
    with bulk_lab(tmp_path, provider, seed=2) as lab:
        run = lab.run_many(bulk_tasks(12), WHERE, resume=True)
        lab.log.collect()
    assert run.counts == {"completed": 12}
    assert provider.calls == 12 - len(ended)
    assert {row.row - 1 for row in run.rows if row.earlier} == ended.keys()
    assert all(row.decision_id == ended[row.row - 1] for row in run.rows if row.earlier)
    assert all(row.output == "We open at 6. #Open" for row in run.rows)
    # Each call that was cut short has an end on its decision's books, at its worst, and no row is pending.
    books = logged(
        tmp_path,
        "SELECT count(*) FILTER (status = 'pending') AS pending, sum(cost_nano_usd)::BIGINT AS nano FROM task_outcome",
    )
    booked = logged(tmp_path, "SELECT sum(booked_nano_usd)::BIGINT AS nano FROM attempt_state")
    assert books == [{"pending": 0, "nano": booked[0]["nano"]}]
    one_task = logged(tmp_path, "SELECT run_row FROM decision GROUP BY ALL HAVING count(DISTINCT task_id) > 1")
    assert one_task == []


def test_a_row_whose_answer_was_accepted_before_the_process_died_is_not_asked_again(tmp_path: Path) -> None:
    """The death falls between the row of the call and the row of the task: the log knows the answer, so it counts."""

    class Died(BaseException):
        pass

    with bulk_lab(tmp_path, Watched()) as lab:
        whole = lab.run_many(bulk_tasks(1), WHERE, run_id="usual")
        append = lab.log.append

        def dying(event: Event) -> None:
            if event.kind == "outcome":
                raise Died
            append(event)

        lab.log.append = dying  # type: ignore[method-assign] # as if the process had ended there
        with pytest.raises(BaseExceptionGroup):
            lab.run_many(bulk_tasks(1), WHERE, run_id="died", concurrency=1)
        lab.log.append = append  # type: ignore[method-assign]
        lab.log.collect()
    with bulk_lab(tmp_path, again := Watched(), seed=2) as lab:
        run = lab.run_many(bulk_tasks(1), WHERE, resume=True, run_id="died")
        lab.log.collect()
    assert run.counts == {"completed": 1}
    assert again.calls == 0
    assert len(logged(tmp_path, "FROM decision WHERE run_id = 'died'")) == 1
    assert [row.output for row in run.rows] == [row.output for row in whole.rows]
    ends = logged(
        tmp_path,
        "SELECT run_id, status, succeeded, served_model, attempts, quality_ppm, quality_source, cost_nano_usd, "
        "input_tokens, output_tokens, error_type FROM outcome JOIN decision USING (decision_id) ORDER BY run_id",
    )
    assert {**ends[0], "run_id": ""} == {**ends[1], "run_id": ""}


def test_resuming_a_finished_run_calls_nobody_and_tells_it_again(tmp_path: Path) -> None:
    tasks = bulk_tasks(4)
    with bulk_lab(tmp_path, Watched()) as lab:
        first = lab.run_many(tasks, WHERE)
    with bulk_lab(tmp_path, again := Watched(), seed=2) as lab:
        second = lab.run_many(tasks, WHERE, resume=True)
        assert lab.preview(tasks, WHERE, resume=True).summary() == "nothing is left to run"
    assert again.calls == 0
    assert [(row.task_id, row.status, row.output, row.cost) for row in second.rows] == [
        (row.task_id, row.status, row.output, row.cost) for row in first.rows
    ]


def test_a_run_is_resumed_with_its_own_tasks_only(tmp_path: Path) -> None:
    tasks, provider = bulk_tasks(3), Watched()
    with bulk_lab(tmp_path, provider) as lab:
        with pytest.raises(NotEnoughData, match="no run in lab"):
            lab.run_many(tasks, WHERE, resume=True)
        lab.run_many(tasks, WHERE, run_id="mine")
        for changed, where in (
            (tasks[:2], WHERE),
            (tasks[::-1], WHERE),
            ([*tasks[:2], Task(type=OTHER, input=dict(POST))], WHERE),
            (tasks, RoutingContext(workspace_id="ws_2")),
        ):
            with pytest.raises(InputError, match="not those that run 'mine' began with"):
                lab.run_many(changed, where, resume=True)
        with pytest.raises(NotEnoughData, match="no run 'other'"):
            lab.run_many(tasks, WHERE, resume=True, run_id="other")
        with pytest.raises(InputError, match="is a run of this log already"):
            lab.run_many(tasks, WHERE, run_id="mine")
    assert provider.calls == 3


def test_a_run_belongs_to_one_process_at_a_time(tmp_path: Path) -> None:
    with bulk_lab(tmp_path, Watched()) as lab:
        lab.run_many(bulk_tasks(2), WHERE, run_id="mine")
        with claim(lab.log.path, "run.mine"), pytest.raises(LogLocked, match="under way in another process"):
            lab.run_many(bulk_tasks(2), WHERE, resume=True)
        assert lab.run_many(bulk_tasks(2), WHERE, resume=True).counts == {"completed": 2}
    assert list(tmp_path.glob("*.lock")) == []


async def cut_short(lab: Lab, provider: Watched, tasks: list[Task]) -> None:
    """Cancel a run once its provider hangs."""
    work = asyncio.ensure_future(lab.run_many_async(tasks, WHERE, concurrency=4))
    await asyncio.to_thread(provider.reached.wait, 30)
    work.cancel()
    await asyncio.wait([work])
    assert work.cancelled()


def test_an_interrupted_run_books_what_was_under_way_and_sends_nothing_more(tmp_path: Path) -> None:
    provider = Watched()
    provider.enough = 5
    with bulk_lab(tmp_path, provider) as lab:
        asyncio.run(cut_short(lab, provider, bulk_tasks(30)))
        sent = len(provider.keys)
        lab.log.collect()
    statuses = Counter(row["status"] for row in logged(tmp_path, "SELECT status FROM task_outcome"))
    assert statuses["completed"] + statuses["cancelled"] == sent < 30
    assert statuses["pending"] == 0
    assert logged(tmp_path, "SELECT status FROM run ORDER BY recorded_at_us DESC LIMIT 1") == [
        {"status": "interrupted"}
    ]
    with bulk_lab(tmp_path, again := Watched(), seed=2) as lab:
        assert lab.run_many(bulk_tasks(30), WHERE, resume=True).counts == {"completed": 30}
    assert again.calls == 30 - statuses["completed"]


def test_failed_rows_are_tried_again_without_touching_what_was_logged(tmp_path: Path) -> None:
    def unlucky(call: ProviderCall) -> str:
        if "Item 1." in call.prompt or "Item 3." in call.prompt:
            raise ProviderError("no", error_class="bad_request", status=400)
        return "We open."

    tasks = bulk_tasks(5)
    with bulk_lab(tmp_path, Watched(unlucky)) as lab:
        first = lab.run_many(tasks, WHERE)
        lab.log.collect()
    assert first.counts == {"completed": 3, "escalated": 2}
    before = {name: logged(tmp_path, f"FROM {name} ORDER BY event_id") for name in ("decision", "attempt", "outcome")}
    with bulk_lab(tmp_path, again := Watched(), seed=2) as lab:
        assert lab.run_many(tasks, WHERE, resume=True).counts == first.counts, "a person has them: they have ended"
        claimed, waiting = (row for row in lab.log.query("human_tasks", human_task_id=None))
        claimed_row = next(row for row in first.rows if row.decision_id == claimed["decision_id"])
        _claim(lab, claimed["human_task_id"])
        run = lab.run_many(tasks, WHERE, retry_failed=True)
        lab.log.collect()
    assert again.calls == 1
    assert run.counts == {"completed": 4, "escalated": 1}
    assert next(row for row in run.rows if row.status == "escalated").row == claimed_row.row
    after = {name: logged(tmp_path, f"FROM {name} ORDER BY event_id") for name in before}
    assert all(row in after[name] for name, found in before.items() for row in found)
    assert len(after["decision"]) == 6
    status = {row["human_task_id"]: row["status"] for row in logged(tmp_path, "FROM human_queue")}
    assert status == {claimed["human_task_id"]: "claimed", waiting["human_task_id"]: "cancelled"}


def _claim(lab: Any, human_task_id: str) -> None:
    from bizq_lab.core.events import HumanTaskEvent  # noqa: PLC0415 - one helper needs it
    from bizq_lab.execution.human_tasks import transition  # noqa: PLC0415 - as above

    last = HumanTaskEvent(**lab.log.query("human_tasks", human_task_id=human_task_id)[0])
    lab.log.append(transition(last, "claimed", event_id="evt_claim", now_us=lab.clock.now_us() + 10**9, worker="ada"))


def test_a_task_that_may_have_acted_is_handed_to_a_person_rather_than_repeated(tmp_path: Path) -> None:
    """S22: the run was cut short while its call was under way."""
    tasks = tasks_of(ACTS, 2)

    provider = Watched()
    provider.enough = 0
    with bulk_lab(tmp_path, provider) as lab:
        asyncio.run(cut_short(lab, provider, tasks[:1]))
    with bulk_lab(tmp_path, again := Watched(), seed=2) as lab:
        run = lab.run_many(tasks[:1], WHERE, resume=True)
        assert run.counts == {"escalated": 1}
        (opened,) = lab.log.query("human_tasks", human_task_id=None)
        assert "whether it was acted upon" in opened["reason"]
        assert lab.run_many(tasks[:1], WHERE, retry_failed=True).counts == {"escalated": 1}
    assert again.calls == 0


# -- money -------------------------------------------------------------------------------------------------------------


def test_a_run_never_passes_its_cap_and_waits_for_more(tmp_path: Path) -> None:
    tasks = bulk_tasks(40)
    with bulk_lab(tmp_path, first := Watched()) as lab:
        run = lab.run_many(tasks, WHERE, max_cost_usd=0.0005, concurrency=5)
        assert lab.ledger is None, "the cap was the run's"
    assert run.refusal
    assert run.cost <= Money.from_usd(0.0005)
    assert 0 < run.counts["completed"] < 40
    assert run.counts["completed"] + run.counts["not_run"] + run.counts["cancelled"] == 40
    assert first.calls == run.counts["completed"]
    with bulk_lab(tmp_path, second := Watched(), seed=2) as lab:
        assert second.calls == 0
        same = lab.run_many(tasks, WHERE, resume=True)
        assert same.refusal, "it keeps its cap"
        assert same.cost <= Money.from_usd(0.0005)
        done = lab.run_many(tasks, WHERE, resume=True, max_cost_usd=5.0)
        lab.log.collect()
    assert done.counts == {"completed": 40}
    assert first.calls + second.calls == 40
    assert logged(tmp_path, "FROM human_task") == [], "no person does what only lacks money"


def test_a_run_that_began_without_a_cap_counts_what_it_spent_before_it_got_one(tmp_path: Path) -> None:
    """Killed without a cap, resumed with one: the cap is the run's, not the second half's."""
    with start(tmp_path, 12, 7) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "hanging\n"
        process.kill()
    with bulk_lab(tmp_path, provider := Watched(), seed=2) as lab:
        lab.log.collect()
        spent = logged(tmp_path, "SELECT sum(booked_nano_usd)::BIGINT AS nano FROM attempt_state")[0]["nano"]
        assert spent > 0
        with pytest.raises(BudgetRefused, match=r"\$0 are left to spend"):
            lab.run_many(bulk_tasks(12), WHERE, resume=True, max_cost_usd=spent / 1e9)
        assert provider.calls == 0, "all of it was spent before"
        assert lab.run_many(bulk_tasks(12), WHERE, resume=True, max_cost_usd=1.0).counts == {"completed": 12}
