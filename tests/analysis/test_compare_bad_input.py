"""What a comparison must not swallow: each is refused, or told by a coded caveat; never NaN, never a silent zero."""

from __future__ import annotations

import math

import pytest

from bizq_lab.analysis import performance
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.store import Log
from tests.support.analysis_log import Stream, pairs
from tests.support.comparing import SPLIT, asked, codes


def test_one_observation_an_arm_is_too_few(log: Log, stream: Stream) -> None:
    pairs(stream, [True], [False])
    for primary in ("success", "quality", "cost", "latency"):
        answer = asked(log, primary=primary, guardrails={})
        assert answer.verdict == "inconclusive"
        assert "few_pairs" in codes(answer)


def test_one_observation_an_arm_is_too_few_where_traffic_was_split(log: Log, stream: Stream) -> None:
    for number, arm in enumerate("ab"):
        stream.run(arm=arm, task=f"t{number}", succeeded=arm == "b", decide={"unit": f"u{number}", **SPLIT})
    answer = asked(log)
    assert answer.verdict == "inconclusive"
    assert "too_few" in codes(answer)


def test_all_successes_are_no_certainty(log: Log, stream: Stream) -> None:
    pairs(stream, [True] * 40, [True] * 40)
    answer = asked(log)
    difference = answer.main_row().difference
    assert difference.lower < difference.value == 0.0 < difference.upper
    assert "zero_variance" in codes(answer)


def test_no_success_at_all_has_no_cost_of_a_success(log: Log, stream: Stream) -> None:
    pairs(stream, [False] * 40, [False] * 40)
    assert "zero_variance" in codes(asked(log))
    assert all(row.cost_per_success_usd is None for row in performance(log).rows)


def test_an_empty_arm_is_named(log: Log, stream: Stream) -> None:
    stream.register("exp", ["a", "b", "never"])
    pairs(stream, [True] * 12, [True, False] * 6)
    (told,) = [caveat.message for caveat in asked(log).caveats if caveat.code == "one_arm_empty"]
    assert "never" in told
    for options in ({"control": "never"}, {"arms": ["a", "never"]}):
        with pytest.raises(NotEnoughData, match="never") as refused:
            asked(log, **options)
        assert "a, b" in str(refused.value)


def test_an_arm_without_any_outcome_is_not_compared_as_zero(log: Log, stream: Stream) -> None:
    stream.decide(arm="a", task="t0")
    stream.run(arm="b", task="t0", succeeded=True)
    with pytest.raises(NotEnoughData, match="fewer than two arms"):
        asked(log)


def test_an_arm_of_no_config_is_refused_by_name(log: Log, stream: Stream) -> None:
    pairs(stream, [True] * 12, [True, False] * 6)
    with pytest.raises(NotEnoughData, match=r"\['ghost'\]") as refused:
        asked(log, arms=["a", "b", "ghost"])
    assert "a, b" in str(refused.value)


def test_an_arm_that_the_plan_does_not_name_is_told(log: Log, stream: Stream) -> None:
    stream.register("exp", ["a", "b"])
    for number in range(12):
        for arm in ("a", "b", "stray"):
            stream.run(arm=arm, task=f"t{number}", succeeded=True, decide={"experiment": "exp"})
    (told,) = [c.message for c in asked(log, experiment="exp").caveats if c.code == "unplanned_arm"]
    assert "stray" in told


def test_an_unknown_price_is_no_zero(log: Log, stream: Stream) -> None:
    for number in range(12):
        stream.run(arm="a", task=f"t{number}", succeeded=True, cost_usd=None)
        stream.run(arm="b", task=f"t{number}", succeeded=True, cost_usd=0.01 + number / 1e4)
    answer = asked(log)
    assert "unpriced" in codes(answer)
    assert "cost" not in {row.metric for row in answer.rows}
    assert all(row.cost_usd is None for row in performance(log).rows if row.arm == "a")
    with pytest.raises(NotEnoughData, match="no cost in arm 'a'"):
        asked(log, primary="cost")


def test_units_in_two_experiments_at_once_are_told(log: Log, stream: Stream) -> None:
    for number in range(80):
        arm, experiment = "ab"[number % 2], ("one", "two")[number // 2 % 2]
        decide = {"unit": f"u{number // 4}", "experiment": experiment, **SPLIT}
        stream.run(arm=arm, task=f"t{number}", succeeded=number % 3 > 0, decide=decide)
    (told,) = [c.message for c in asked(log, experiment="one").caveats if c.code == "overlapping_experiments"]
    assert "two" in told
    assert "19 units" in told, "the last unit's only other decision came after the experiment"


def test_experiments_one_after_the_other_do_not_overlap(log: Log, stream: Stream) -> None:
    for number in range(80):
        decide = {"unit": f"u{number % 40}", "experiment": "one" if number < 40 else "two", **SPLIT}
        stream.run(arm="ab"[number % 2], task=f"t{number}", succeeded=number % 3 > 0, decide=decide)
    assert "overlapping_experiments" not in codes(asked(log, experiment="one"))


def test_an_arm_whose_model_drifted_voids_the_comparison(log: Log, stream: Stream) -> None:
    pairs(stream, [False] * 16 + [True] * 4, [True] * 20)
    stream.run(arm="b", task="t0", repeat=1, succeeded=True, served_model="served-2")
    answer = asked(log)
    assert (answer.verdict, answer.winner) == ("invalid", "")
    (told,) = [caveat.message for caveat in answer.caveats if caveat.code == "drifted_model"]
    assert "b: 'served-1', 'served-2'" in told


def test_nothing_that_is_no_number_is_taken_as_a_margin_or_an_error_rate(log: Log, stream: Stream) -> None:
    pairs(stream, [True] * 12, [True] * 12)
    for options in ({"margin": math.nan}, {"alpha": math.nan}, {"alpha": 0.0}, {"guardrails": {"success": math.nan}}):
        with pytest.raises(InputError, match=r"== (nan|0\.0)"):
            asked(log, **options)
