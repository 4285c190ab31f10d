"""S25 to S27: thresholds on confidence bounds, exploration with propensities, results that are tracked once."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizq_lab.config import AdaptivePolicy
from bizq_lab.core.execution import ExecutionMetrics, TaskResult
from bizq_lab.core.snapshot import Evidence, Health, History, Snapshot
from bizq_lab.core.task import RoutingContext, Task, UserFeedback
from bizq_lab.errors import AmbiguousTask, InputError
from bizq_lab.routing import AdaptiveRouter, AITaskRouter, ProcessMemory
from bizq_lab.routing.learning import Thresholds, adjust, rating_upper, success_upper
from tests.support.routing_catalog import catalog

KEY = ("work.write", "moderate.standard", "openai/medium")
PREMIUM_KEY = ("work.write", "moderate.standard", "anthropic/great")


def ctx(**fields: Any) -> RoutingContext:
    return RoutingContext(**{"workspace_id": "w", **fields})


def task(number: int = 0) -> Task:
    return Task(type="work.write", id=f"t{number}")


def history(n: int, successes: int, **fields: Any) -> History:
    return History(**{"n": n, "successes": successes, "effective_n": float(n), **fields})


def knowing(*known: tuple[tuple[str, str, str], History]) -> Snapshot:
    return Snapshot(id="s", evidence=Evidence(version="e", history=dict(known)))


def result(decision_id: str, *, status: Any = "completed", seconds: float = 1.0) -> TaskResult:
    metrics = ExecutionMetrics(
        response_time=seconds,
        first_token_time=None,
        tokens_per_second=None,
        total_tokens=10,
        cost=0.01,
        success=status == "completed",
        error_type="",
    )
    return TaskResult(
        task_id="t0",
        decision_id=decision_id,
        status=status,
        output="",
        quality=None,
        quality_source="",
        cost=None,
        processing_time=seconds,
        metrics=metrics,
        attempts=(),
    )


def test_s25_missing_ratings_stay_missing() -> None:
    """In JavaScript `null < 4.0` is true: the sketch sends every unrated task to premium."""
    unrated = history(500, 480, rating_mean=None)
    decision = AdaptiveRouter(catalog()).route_task_with_learning(task(), ctx(), snapshot=knowing((KEY, unrated)))
    assert decision.config.key == "openai/medium"
    assert rating_upper(unrated, Thresholds()) is None


def test_s25_the_segment_is_the_original_contexts() -> None:
    snapshot = knowing((KEY, history(200, 60)))
    decision = AdaptiveRouter(catalog()).route_task_with_learning(task(), ctx(), snapshot=snapshot)
    assert decision.config.tier == "premium"
    assert decision.segment == "moderate.standard"
    assert decision.context == ctx()


@pytest.mark.parametrize(
    ("known", "context", "code"),
    [
        (history(200, 100), ctx(), "learned_success_rate"),
        (history(50, 49, rating_mean=3.2, rating_sd=0.5, rating_n=50), ctx(), "learned_satisfaction"),
        (
            history(50, 49, latency_mean_s=9.5, latency_sd_s=0.5, latency_p95_s=9.9),
            ctx(max_processing_time=10.0),
            "learned_response_time",
        ),
    ],
)
def test_s26_each_threshold_fires_on_evidence_and_is_logged(known: History, context: RoutingContext, code: str) -> None:
    decision = AdaptiveRouter(catalog()).route_task_with_learning(task(), context, snapshot=knowing((KEY, known)))
    assert code in decision.flags
    assert code in decision.reasoning


@pytest.mark.parametrize(
    "known",
    [
        history(19, 0),
        history(30, 23),
        history(200, 0, effective_n=5.0),
        history(50, 49, rating_mean=1.0, rating_sd=0.1, rating_n=5),
        history(50, 49, rating_mean=3.9, rating_sd=1.0, rating_n=50),
    ],
    ids=["too few", "bound reaches 0.8", "decayed", "few ratings", "bound reaches 4"],
)
def test_s26_a_threshold_does_not_fire_on_noise_or_on_old_news(known: History) -> None:
    """The sketch fires on a single failure, and never comes back."""
    decision = AdaptiveRouter(catalog()).route_task_with_learning(task(), ctx(), snapshot=knowing((KEY, known)))
    assert decision.config.key == "openai/medium"
    assert not decision.flags


def test_s26_an_escalation_that_does_not_help_is_undone() -> None:
    snapshot = knowing((KEY, history(200, 100)), (PREMIUM_KEY, history(200, 90)))
    decision = AdaptiveRouter(catalog()).route_task_with_learning(task(), ctx(), snapshot=snapshot)
    assert decision.config.key == "openai/medium"
    helps = knowing((KEY, history(200, 100)), (PREMIUM_KEY, history(200, 190)))
    assert AdaptiveRouter(catalog()).route_task_with_learning(task(), ctx(), snapshot=helps).config.tier == "premium"


def test_s26_an_escalation_that_nothing_can_serve_leaves_the_task_where_it_was() -> None:
    snapshot = knowing((KEY, history(200, 60)))
    decision = AdaptiveRouter(catalog()).route_task_with_learning(task(), ctx(max_cost=0.03), snapshot=snapshot)
    assert decision.config.key == "openai/medium"


@given(st.integers(20, 5_000), st.floats(0, 1))
def test_s26_the_bound_lies_above_the_rate_and_shrinks_to_it(n: int, share: float) -> None:
    successes = round(n * share)
    upper = success_upper(history(n, successes), Thresholds())
    wider = success_upper(history(n, successes, effective_n=20.0), Thresholds())
    assert upper is not None
    assert wider is not None
    assert successes / n - 1e-12 <= upper <= wider + 1e-12 <= 1.0 + 1e-9


def test_s26_adjusting_touches_nothing_without_history() -> None:
    context = ctx(max_processing_time=1.0)
    assert adjust(context, History(), Thresholds()) == (context, ())


@pytest.mark.parametrize("kind", ["thompson", "epsilon_greedy"])
def test_s26_exploration_follows_its_logged_propensities(kind: Any) -> None:
    router = AdaptiveRouter(catalog(), policy=AdaptivePolicy(kind=kind, floor=0.3))
    decisions = [router.route_task(task(n), ctx(), seed=n) for n in range(3_000)]
    logged = {c.arm: c.propensity for c in decisions[0].candidates if c.propensity}
    counts = Counter(d.arm for d in decisions)
    assert set(counts) == set(logged)
    for arm, probability in logged.items():
        error = (probability * (1 - probability) / 3_000) ** 0.5
        assert abs(counts[arm] / 3_000 - probability) < 5 * error
        assert probability >= 0.3 / len(logged) - 1e-12
    assert {d.policy for d in decisions} == {"adaptive"}
    assert all(d.propensity == logged[d.arm] and d.design == "randomised" for d in decisions)


def test_s26_exploration_never_leaves_the_feasible_set() -> None:
    router = AdaptiveRouter(catalog(), policy=AdaptivePolicy(floor=1.0))
    down = Snapshot(id="s", health={"openai/medium": Health(available=False)})
    chosen = {router.route_task(task(n), ctx(max_cost=0.01), snapshot=down, seed=n).config.key for n in range(300)}
    assert chosen == {"openai/small", "anthropic/little", "local/tiny"}


def test_s26_thompson_is_warm_started_from_the_log() -> None:
    router = AdaptiveRouter(catalog(), policy=AdaptivePolicy(floor=0.01))
    seen = [
        (("work.write", "", f"openai/{name}"), history(400, good)) for name, good in (("small", 390), ("medium", 100))
    ]
    rows = router.route_task(task(), ctx(), snapshot=knowing(*seen)).candidates
    shares = {c.arm: c.propensity for c in rows}
    assert shares["openai/small"] > 0.9
    assert shares["openai/medium"] < 0.02


def test_s26_a_sticky_policy_draws_once_a_workspace() -> None:
    router = AdaptiveRouter(catalog(), policy=AdaptivePolicy(floor=1.0, sticky=True))
    assert len({router.route_task(task(n), ctx(), seed=n).arm for n in range(50)}) == 1
    assert len({router.route_task(task(), ctx(workspace_id=f"w{n}")).arm for n in range(50)}) > 1


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_s26_a_draw_depends_on_its_seed_alone(seed: int, other: int) -> None:
    policy = AdaptivePolicy(floor=1.0)
    first = AdaptiveRouter(catalog(), policy=policy)
    first.route_task(task(1), ctx(), seed=other)
    again = AdaptiveRouter(catalog(), policy=policy)
    assert first.route_task(task(), ctx(), seed=seed) == again.route_task(task(), ctx(), seed=seed)


def test_s26_an_exploring_router_is_not_mistaken_for_the_plain_one() -> None:
    explorer = AdaptiveRouter(catalog(), policy=AdaptivePolicy())
    plain = AITaskRouter(catalog())
    assert explorer.route_task(task(), ctx()).config_hash != plain.route_task(task(), ctx()).config_hash


def test_s27_tracking_is_idempotent_and_feedback_may_come_later() -> None:
    memory = ProcessMemory()
    router = AdaptiveRouter(catalog(), recorder=memory)
    decision = router.route_task_with_learning(task(), ctx())
    done = result(decision.decision_id)
    assert router.track_task_result("t0", done)
    assert not router.track_task_result("t0", done)
    assert router.track_task_result("t0", done, {"rating": 4.5, "feedback": "Good quality description"})
    assert not router.track_task_result("t0", done, UserFeedback(rating=4.5))
    seen = memory.evidence().history["work.write", "", "openai/medium"]
    assert (seen.n, seen.successes, seen.rating_mean, seen.rating_n) == (1, 1, 4.5, 1)


def test_s27_several_decisions_must_be_told_apart() -> None:
    router = AdaptiveRouter(catalog())
    ids = [router.route_task_with_learning(task(), ctx(), decision_id=f"d{n}").decision_id for n in range(2)]
    with pytest.raises(AmbiguousTask, match="2 decisions") as caught:
        router.track_task_result("t0", result("d0"))
    assert "d0, d1" in caught.value.hint
    assert router.track_task_result("t0", result(ids[1]), decision_id=ids[1])


@pytest.mark.parametrize(
    ("task_id", "options"),
    [("never", {}), ("t0", {"decision_id": "other"}), ("t0", {"user_feedback": {"rating": 6}})],
)
def test_s27_what_cannot_be_tracked_is_refused(task_id: str, options: dict[str, Any]) -> None:
    """The sketch returns silently."""
    router = AdaptiveRouter(catalog())
    router.route_task_with_learning(task(), ctx(), decision_id="d0")
    with pytest.raises(InputError):
        router.track_task_result(task_id, result("d0"), **options)


def test_the_process_learns_from_its_own_results() -> None:
    router = AdaptiveRouter(catalog())
    for number in range(40):
        decision = router.route_task_with_learning(task(number), ctx())
        status = "completed" if decision.config.tier == "premium" else "failed"
        router.track_task_result(f"t{number}", result(decision.decision_id, status=status))
    assert decision.config.tier == "premium"
    assert "learned_success_rate" in decision.flags
