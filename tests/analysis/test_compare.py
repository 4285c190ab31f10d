"""A comparison reads the log alone, decides as declared, and refuses or warns where it must (S24, S29, S30)."""

from __future__ import annotations

import math

import pytest

from bizq_lab.analysis import Comparison, compare
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.store import Log
from tests.support.analysis_log import TASK_TYPE, Stream, pairs

TEN = 10


def codes(answer: Comparison) -> set[str]:
    return {caveat.code for caveat in answer.caveats}


def asked(log: Log, **options: object) -> Comparison:
    return compare(log, task_type=TASK_TYPE, **{"primary": "success", **options})  # type: ignore[arg-type]


def test_an_arm_that_is_clearly_better_wins(log: Log, stream: Stream) -> None:
    pairs(stream, [False] * 16 + [True] * 4, [True] * 20)
    answer = asked(log)
    assert (answer.verdict, answer.winner, answer.control, answer.design) == ("winner", "b", "a", "paired")
    row = answer.main_row()
    assert row.n == 20
    assert row.difference.value == pytest.approx(0.8)
    assert "b wins" in answer.headline()
    assert "b is better" in answer.summary()


def test_a_better_control_wins_too(log: Log, stream: Stream) -> None:
    pairs(stream, [True] * 20, [False] * 16 + [True] * 4)
    assert (asked(log).verdict, asked(log).winner) == ("winner", "a")


def test_a_few_mixed_pairs_decide_nothing_and_say_so(log: Log, stream: Stream) -> None:
    pairs(stream, [True, False, True], [False, True, True])
    answer = asked(log)
    assert (answer.verdict, answer.winner) == ("inconclusive", "")
    assert "few_pairs" in codes(answer)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_least_possible_comparison_still_answers(log: Log, stream: Stream, count: int) -> None:
    pairs(stream, [True] * count, [False] * count)
    answer = asked(log)
    assert answer.verdict == "inconclusive"
    assert answer.main_row().n == count
    assert {row.metric for row in answer.rows} == {"success", "quality", "cost", "latency"}


def test_all_successes_in_both_arms_are_no_certainty(log: Log, stream: Stream) -> None:
    pairs(stream, [True] * 12, [True] * 12)
    answer = asked(log)
    assert answer.verdict == "inconclusive"
    difference = answer.main_row().difference
    assert difference.lower < 0 < difference.upper


def test_an_equal_and_much_cheaper_arm_is_non_inferior_and_cheaper(log: Log, stream: Stream) -> None:
    for number in range(60):
        for arm, cost in (("a", 0.010), ("b", 0.001)):
            stream.run(arm=arm, task=f"t{number}", succeeded=True, cost_usd=cost + number * 1e-5, quality=0.9)
    answer = asked(log, primary="quality", margin=0.1)
    assert (answer.verdict, answer.winner) == ("non_inferior_cheaper", "b")


def test_a_better_arm_that_breaks_a_guardrail_is_not_recommended(log: Log, stream: Stream) -> None:
    for number in range(40):
        stream.run(arm="a", task=f"t{number}", succeeded=True, quality=0.5 + number / 1000)
        stream.run(arm="b", task=f"t{number}", succeeded=number % 2 == 0, quality=0.9)
    answer = asked(log, primary="quality")
    assert (answer.verdict, answer.winner) == ("guardrail_failed", "")


def test_failures_and_timeouts_are_outcomes_of_the_assigned_arm(log: Log, stream: Stream) -> None:
    """An arm that another model rescued, or that never answered, is charged for it."""
    for number in range(12):
        stream.run(arm="a", task=f"t{number}", succeeded=True, quality=0.6 + number / 100)
        stream.run(arm="b", task=f"t{number}", succeeded=False, quality=None, timed_out=True, latency_s=30.0)
    answer = asked(log, primary="quality")
    assert answer.main_row().arm_mean.value == 0.0
    assert (answer.verdict, answer.winner) == ("winner", "a")
    latency = next(row for row in answer.rows if row.metric == "latency")
    assert latency.arm_mean.value == pytest.approx(30.0)


def test_repeats_of_a_task_do_not_count_as_tasks(log: Log, stream: Stream) -> None:
    for number in range(6):
        for repeat in range(5):
            for arm in ("a", "b"):
                stream.run(arm=arm, task=f"t{number}", repeat=repeat, succeeded=(arm == "b") or number < 2)
    assert asked(log).main_row().n == 6


def test_pending_decisions_are_left_out_and_mentioned(log: Log, stream: Stream) -> None:
    pairs(stream, [True] * 12, [True, False] * 6)
    stream.decide(arm="a", task="t_pending")
    answer = asked(log)
    assert answer.main_row().n == 12
    assert "pending" in codes(answer)


def test_mixed_prices_and_prompts_are_mentioned(log: Log, stream: Stream) -> None:
    pairs(stream, [True] * 12, [True, False] * 6)
    stream.run(arm="a", task="t0", repeat=1, succeeded=True, decide={"catalog_version": "v1", "prompt_version": "new"})
    assert {"mixed_prices", "mixed_prompts"} <= codes(asked(log))


def test_a_model_that_drifted_voids_the_comparison(log: Log, stream: Stream) -> None:
    pairs(stream, [False] * 16 + [True] * 4, [True] * 20)
    stream.run(arm="b", task="t0", repeat=1, succeeded=True, served_model="served-2")
    answer = asked(log)
    assert (answer.verdict, answer.winner) == ("invalid", "")
    assert "drifted_model" in codes(answer)


def test_what_was_not_randomised_is_never_decided(log: Log) -> None:
    stream = Stream(log, design="observational", policy="rules")
    pairs(stream, [False] * 16 + [True] * 4, [True] * 20)
    answer = asked(log)
    assert (answer.design, answer.verdict) == ("observational", "inconclusive")
    assert "not_randomised" in codes(answer)


def randomised(stream: Stream, split: list[str], *, better: str = "b") -> None:
    """Units of one request each; both arms were offered with probability one half."""
    offered = [{"arm": arm, "propensity": 0.5} for arm in ("a", "b")]
    for number, arm in enumerate(split):
        stream.run(
            arm=arm,
            task=f"t{number}",
            succeeded=arm == better or number % 3 == 0,
            decide={"unit": f"u{number}", "propensity_ppb": 500_000_000, "candidates": offered, "design": "randomised"},
        )


def test_a_fair_split_is_compared_by_unit(log: Log, stream: Stream) -> None:
    randomised(stream, ["a", "b"] * 40)
    answer = asked(log)
    assert (answer.design, answer.verdict, answer.winner) == ("randomised", "winner", "b")
    assert answer.main_row().n == 80
    assert not codes(answer) & {"sample_ratio_mismatch", "sample_ratio_unchecked"}


def test_a_split_that_the_propensities_did_not_promise_is_invalid(log: Log, stream: Stream) -> None:
    randomised(stream, ["a"] * 80 + ["b"] * 20)
    answer = asked(log)
    assert answer.verdict == "invalid"
    assert "sample_ratio_mismatch" in codes(answer)


def test_a_busy_workspace_is_no_sample_ratio_mismatch(log: Log, stream: Stream) -> None:
    """Rows are not units: one workspace with half of all requests is one unit."""
    randomised(stream, ["a", "b"] * 20)
    offered = [{"arm": arm, "propensity": 0.5} for arm in ("a", "b")]
    fields = {"unit": "u0", "propensity_ppb": 500_000_000, "candidates": offered, "design": "randomised"}
    for number in range(100):
        stream.run(arm="a", task=f"busy{number}", succeeded=True, decide=fields)
    assert "sample_ratio_mismatch" not in codes(asked(log))


def test_the_registered_plan_names_the_control(log: Log, stream: Stream) -> None:
    stream.register("exp", ["b", "a", "c"])
    pairs(stream, [True] * 12, [True, False] * 6)
    answer = asked(log)
    assert answer.control == "b"
    assert "one_arm_empty" in codes(answer)


def test_an_experiment_is_read_apart_from_the_rest(log: Log) -> None:
    pairs(Stream(log, experiment="one"), [True] * 10, [False] * 10)
    other = Stream(log, experiment="two")
    for number in range(TEN):
        for arm in ("a", "b"):
            decision = other.decide(
                arm=arm, task=f"x{number}", decision_id=f"d2_{arm}_{number}", event_id=f"e2_{arm}_{number}"
            )
            other.finish(decision, succeeded=True, event_id=f"o2_{arm}_{number}")
    assert asked(log, experiment="one").main_row().difference.value == -1.0
    assert asked(log, experiment="two").main_row().difference.value == 0.0
    pooled = asked(log)
    assert "mixed_experiments" in codes(pooled)
    assert pooled.main_row().n == 20


def test_one_arm_is_no_comparison(log: Log, stream: Stream) -> None:
    stream.run(arm="a", task="t", succeeded=True)
    with pytest.raises(NotEnoughData, match="fewer than two arms"):
        asked(log)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"primary": "speed"}, "metric == 'speed'"),
        ({"margin": -0.1}, "margin == -0.1"),
        ({"alpha": 0.0}, "alpha == 0.0"),
        ({"primary": "cost", "direction": "increase"}, "better when lower"),
    ],
)
def test_what_means_nothing_is_refused(log: Log, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        asked(log, **options)


def test_quality_that_was_never_measured_cannot_be_primary(log: Log, stream: Stream) -> None:
    for arm in ("a", "b"):
        stream.run(arm=arm, task="t", succeeded=True, quality=None)
    with pytest.raises(NotEnoughData, match="quality"):
        asked(log, primary="quality")


def test_no_number_of_any_answer_is_nan(log: Log, stream: Stream) -> None:
    for number in range(3):
        for arm in ("a", "b", "c"):
            stream.run(arm=arm, task=f"t{number}", succeeded=True, cost_usd=0.0, quality=1.0)
    for record in asked(log).records():
        for cell in record.values():
            if isinstance(cell, Estimate):
                assert not any(math.isnan(v) for v in (cell.value, cell.lower, cell.upper))
            elif isinstance(cell, float):
                assert not math.isnan(cell)


def test_ratings_compare_those_who_rated_and_say_so(log: Log, stream: Stream) -> None:
    for number in range(12):
        for arm, rating in (("a", 3.0), ("b", 4.5)):
            decision = stream.run(arm=arm, task=f"t{number}", succeeded=True)
            if number < 10:
                stream.rate(decision, rating + number / 100)
    answer = asked(log, primary="rating", margin=0.0)
    assert answer.main_row().difference.value == pytest.approx(1.5)
    assert "ratings_missing" in codes(answer)
