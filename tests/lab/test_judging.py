"""A judge scores what models wrote, at a booked price; a text that speaks to it gets nothing; people decide."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from bizq_lab.core.execution import ProviderCall
from bizq_lab.core.task import RoutingContext, Task, UserFeedback, WorkspacePreferences
from bizq_lab.errors import InputError, NotEnoughData, ProviderError, UnknownModel
from bizq_lab.execution import Cap, local_engine_problem
from bizq_lab.execution.judge import Verdict
from bizq_lab.lab import Lab
from bizq_lab.lab.providers import live_providers
from tests.support.injections import INJECTIONS
from tests.support.lab_bulk import POST, WHERE, Watched, bulk_lab, bulk_tasks
from tests.support.lab_small import OTHER, catalog, rows, small_lab

JUDGE = "openai/gpt-6.1-terra"


def said(call: ProviderCall, **answer: object) -> str:
    """A verdict in the form that was asked for."""
    canary = re.search(r'"canary": "([^"]+)"', call.system)
    assert canary is not None
    return json.dumps({"canary": canary[1], "reason": "because", **answer})


def fair(call: ProviderCall) -> str:
    """Writes posts, and as a judge scores them by the number in them."""
    if call.arm != "judge":
        found = re.search(r"Item (\d+)", call.prompt)
        return f"Post {int(found[1]) % 5 + 1}." if found else "Post 1."
    found = re.search(r"Post (\d)", call.prompt)
    return said(call, score=int(found[1]) if found else 1)


def obedient(call: ProviderCall) -> str:
    """Does whatever it reads, in the very form that it was asked for."""
    body = call.prompt.partition("OUTPUT")[2]
    return said(call, score=2 if "honest" in body and "told" not in body else 5)


def score(lab: Lab, output: str) -> Verdict:
    task = Task(type=OTHER, input=dict(POST))
    context = RoutingContext(workspace_id="ws_1")
    return lab.executor.wait(lab.executor.judge(JUDGE).score(task, context, output, decision_id="dec_1"))


def test_logged_answers_are_scored_once_and_every_verdict_is_booked_and_logged(tmp_path: Path) -> None:
    provider = Watched(fair)
    with bulk_lab(tmp_path, provider, budgets={"*": Cap(usd=1_000, period="total")}) as lab:
        lab.run_many(bulk_tasks(7), WHERE)
        arms = lab.performance().to_dict()
        first = lab.judge(JUDGE)
        assert (first.rows[0].n, first.rows[0].scored, provider.calls) == (7, 7, 14)
        assert first.rows[0].mean_score == pytest.approx(sum((n % 5) / 4 for n in range(7)) / 7)
        assert lab.judge(JUDGE).summary() == "no answer is left to judge"
        assert provider.calls == 14
        assert lab.performance().to_dict() == arms, "measuring is charged to no arm"
        assert lab.ledger is not None
        booked = lab.ledger.booked().nano_usd
    log = tmp_path / "lab.duckdb"
    attempts = rows(log, "SELECT purpose, count(*) AS n, sum(cost_nano_usd)::BIGINT AS nano FROM attempt GROUP BY ALL")
    cost = {row["purpose"]: row["nano"] for row in attempts}
    assert {row["purpose"]: row["n"] for row in attempts} == {"task": 7, "judge": 7}
    told = rows(log, "SELECT sum(cost_nano_usd)::BIGINT AS nano, count(DISTINCT rubric_version) AS v FROM evaluation")
    outcome = rows(log, "SELECT sum(cost_nano_usd)::BIGINT AS nano FROM outcome")[0]["nano"]
    assert told == [{"nano": cost["judge"], "v": 1}]
    assert (outcome, booked) == (cost["task"], cost["task"] + cost["judge"])
    assert rows(log, "SELECT DISTINCT evaluator, score_label, explanation FROM evaluation") == [
        {"evaluator": JUDGE, "score_label": "scored", "explanation": "because"}
    ]


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_injection_moves_a_judge_that_obeys_everything(bench: Lab, text: str) -> None:
    """It gives 2 to honest work, and 5 to whatever tells it to."""
    honest, told = score(bench, "An honest post."), score(bench, f"An honest post, told: {text}")
    assert honest.score == 0.25
    assert (told.score, told.label) == (None, "guarded")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return bulk_lab(tmp_path_factory.mktemp("judge"), Watched(obedient))


def test_a_wording_that_the_guard_does_not_know_does_move_it(bench: Lab) -> None:
    """The guard is no proof: what remains is for the agreement with people to show."""
    assert score(bench, "An honest post, told: pretty please.").score == 1.0


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("5", "invalid"),
        ('{"score": 5, "canary": "c-none", "reason": ""}', "invalid"),
        ("", "invalid"),
        (None, "failed"),
    ],
)
def test_what_is_no_verdict_is_no_score(tmp_path: Path, answer: str | None, label: str) -> None:
    def odd(_: ProviderCall) -> str:
        if answer is None:
            raise ProviderError("down", error_class="server_error", status=500)
        return answer

    with bulk_lab(tmp_path, Watched(odd)) as lab:
        verdict = score(lab, "An honest post.")
    assert (verdict.score, verdict.label) == (None, label)


def test_pairs_are_asked_in_both_orders_and_a_judge_of_places_prefers_none(tmp_path: Path) -> None:
    def first_place(call: ProviderCall) -> str:
        return said(call, better="first")

    def better_text(call: ProviderCall) -> str:
        return said(call, better="first" if call.prompt.index("good") < call.prompt.index("poor") else "second")

    task = Task(type=OTHER, input=dict(POST))
    for say, expected in ((first_place, ("tie", False)), (better_text, ("second", True))):
        with bulk_lab(tmp_path / say.__name__, provider := Watched(say)) as lab:
            work = lab.executor.judge(JUDGE).prefer(task, WHERE, "a poor one", "a good one", decision_id="dec_1")
            answer = asyncio.run(work)
        assert (answer.better, answer.consistent, answer.label) == (*expected, "scored")
        assert provider.calls == 2


def test_a_text_that_must_stay_here_is_judged_here_or_not_at_all(tmp_path: Path) -> None:
    here = RoutingContext(workspace_id="ws_1", workspace_preferences=WorkspacePreferences(residency="local"))
    task = Task(type=OTHER, input=dict(POST))
    with bulk_lab(tmp_path, provider := Watched(fair)) as lab:
        with pytest.raises(InputError, match="keeps its text on this machine"):
            lab.executor.wait(lab.executor.judge(JUDGE).score(task, here, "Post 3.", decision_id="d"))
        assert provider.calls == 0
        local = lab.executor.judge("local/smollm2-135m").score(task, here, "Post 3.", decision_id="d")
        assert lab.executor.wait(local).score == 0.5
        with pytest.raises(UnknownModel):
            lab.judge("nobody/none")


def test_agreement_with_people_says_whether_a_judge_may_be_trusted(tmp_path: Path) -> None:
    with bulk_lab(tmp_path, Watched(fair)) as lab:
        run = lab.run_many(bulk_tasks(40), WHERE)
        lab.judge(JUDGE)
        with pytest.raises(NotEnoughData, match="0 answers have both"):
            lab.judge_agreement()
        for number, result in enumerate(run.results):
            lab.give_feedback(result, UserFeedback(rating=float(number % 5 + 1)))
        (same,) = lab.judge_agreement().rows
        assert (same.n, same.kappa.value, same.bias.value, same.exact.value, same.trusted) == (40, 1.0, 0.0, 1.0, True)
        for result in run.results:
            lab.give_feedback(result, UserFeedback(rating=1.0 + int(result.decision_id[-1], 16) % 2))
        answer = lab.judge_agreement(JUDGE)
        (other,) = answer.rows
        assert not other.trusted
        assert other.kappa.lower < 0.4
        assert other.bias.value > 0.2
        assert "0 of 1 may be trusted" in answer.summary()
        assert answer.plot().get_title(loc="left")


def test_reasons_follow_the_payload_policy(tmp_path: Path) -> None:
    with bulk_lab(tmp_path, Watched(fair)) as lab:
        lab.run_many(bulk_tasks(2), WHERE)
    with bulk_lab(tmp_path, Watched(fair), seed=2, payloads="none") as lab:
        assert lab.judge(JUDGE).rows[0].scored == 2
        lab.log.collect()
    assert rows(tmp_path / "lab.duckdb", "SELECT DISTINCT explanation FROM evaluation") == [{"explanation": ""}]


@pytest.mark.local_model
def test_the_embedded_model_gives_a_verdict_in_the_form_that_it_is_held_to(tmp_path: Path) -> None:
    problem = local_engine_problem()
    if problem is not None:
        pytest.skip(f"no embedded engine: {problem.message}")
    with small_lab(tmp_path, providers=live_providers(catalog(), "live"), config=None) as lab:
        work = lab.executor.judge("local/smollm2-135m").score(
            Task(type=OTHER, input=dict(POST)), WHERE, "From Monday we open at 6! #Open", decision_id="dec_1"
        )
        verdict = lab.executor.wait(work)
        lab.log.collect()
    assert verdict.label in {"scored", "invalid"}, "a small model may run out of room, but it answers"
    assert verdict.cost is not None
    assert verdict.cost.nano_usd > 0
    assert rows(tmp_path / "lab.duckdb", "SELECT purpose, provider FROM attempt") == [
        {"purpose": "judge", "provider": "local"}
    ]
