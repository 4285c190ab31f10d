"""What a comparison must not swallow: each is refused, or told by a coded caveat; never NaN, never a silent zero."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.analysis import Comparison
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import BizqLabError, InputError, NotEnoughData
from bizq_lab.lab import Lab
from tests.support.analysis_log import TASK_TYPE, Stream, pairs
from tests.support.lab_small import small_lab

HALVES = [{"arm": arm, "propensity": 0.5} for arm in ("a", "b")]
SPLIT = {"propensity_ppb": 500_000_000, "candidates": HALVES, "design": "randomised"}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with small_lab(tmp_path) as lab:
        yield lab


@pytest.fixture
def stream(lab: Lab) -> Stream:
    return Stream(lab.log)


def asked(lab: Lab, **options: Any) -> Comparison:
    """The answer, once every number in it was seen to be one."""
    answer = lab.compare(task_type=TASK_TYPE, **({"primary": "success"} | options))
    cells = [cell for record in answer.records() for cell in record.values()]
    numbers = [c for c in cells if isinstance(c, float)]
    numbers += [v for c in cells if isinstance(c, Estimate) for v in (c.value, c.lower, c.upper)]
    assert not any(map(math.isnan, numbers))
    assert "nan" not in f"{answer.summary()} {answer.headline()}".lower().replace("finance", "")
    assert answer.to_frame().shape[0] == len(answer.rows)
    return answer


def codes(answer: Comparison) -> set[str]:
    return {caveat.code for caveat in answer.caveats}


def test_one_observation_an_arm_is_too_few(lab: Lab, stream: Stream) -> None:
    pairs(stream, [True], [False])
    for primary in ("success", "quality", "cost", "latency"):
        answer = asked(lab, primary=primary, guardrails={})
        assert answer.verdict == "inconclusive"
        assert "few_pairs" in codes(answer)


def test_one_observation_an_arm_is_too_few_where_traffic_was_split(lab: Lab, stream: Stream) -> None:
    for number, arm in enumerate("ab"):
        stream.run(arm=arm, task=f"t{number}", succeeded=arm == "b", decide={"unit": f"u{number}", **SPLIT})
    answer = asked(lab)
    assert answer.verdict == "inconclusive"
    assert "too_few" in codes(answer)


def test_zero_variance_is_no_certainty(lab: Lab, stream: Stream) -> None:
    for number in range(30):
        for arm, quality in (("a", 0.8), ("b", 0.9)):
            stream.run(arm=arm, task=f"t{number}", succeeded=True, quality=quality)
    answer = asked(lab, primary="quality")
    difference = answer.main_row().difference
    assert difference.lower < difference.value < difference.upper
    assert "zero_variance" in codes(answer)


def test_all_successes_are_no_certainty(lab: Lab, stream: Stream) -> None:
    pairs(stream, [True] * 40, [True] * 40)
    answer = asked(lab)
    difference = answer.main_row().difference
    assert difference.lower < difference.value == 0.0 < difference.upper
    assert "zero_variance" in codes(answer)


def test_no_success_at_all_has_no_cost_of_a_success(lab: Lab, stream: Stream) -> None:
    pairs(stream, [False] * 40, [False] * 40)
    assert "zero_variance" in codes(asked(lab))
    assert all(row.cost_per_success_usd is None for row in lab.performance().rows)


def test_an_empty_arm_is_named(lab: Lab, stream: Stream) -> None:
    stream.register("exp", ["a", "b", "never"])
    pairs(stream, [True] * 12, [True, False] * 6)
    (told,) = [caveat.message for caveat in asked(lab).caveats if caveat.code == "one_arm_empty"]
    assert "never" in told
    for options in ({"control": "never"}, {"arms": ["a", "never"]}):
        with pytest.raises(NotEnoughData, match="never") as refused:
            asked(lab, **options)
        assert "a, b" in str(refused.value)


def test_an_arm_without_any_outcome_is_not_compared_as_zero(lab: Lab, stream: Stream) -> None:
    stream.decide(arm="a", task="t0")
    stream.run(arm="b", task="t0", succeeded=True)
    with pytest.raises(NotEnoughData, match="fewer than two arms"):
        asked(lab)


def test_an_arm_of_no_config_is_refused_by_name(lab: Lab, stream: Stream) -> None:
    pairs(stream, [True] * 12, [True, False] * 6)
    with pytest.raises(NotEnoughData, match=r"\['ghost'\]") as refused:
        asked(lab, arms=["a", "b", "ghost"])
    assert "a, b" in str(refused.value)


def test_an_arm_that_no_config_offered_voids_the_comparison(lab: Lab, stream: Stream) -> None:
    for number in range(66):
        arm = "stray" if number >= 60 else "ab"[number % 2]
        stream.run(arm=arm, task=f"t{number}", succeeded=True, decide={"unit": f"u{number}", **SPLIT})
    answer = asked(lab)
    assert "positivity" in codes(answer)
    assert answer.verdict == "invalid"


def test_an_arm_that_the_plan_does_not_name_is_told(lab: Lab, stream: Stream) -> None:
    stream.register("exp", ["a", "b"])
    for number in range(12):
        for arm in ("a", "b", "stray"):
            stream.run(arm=arm, task=f"t{number}", succeeded=True, decide={"experiment": "exp"})
    (told,) = [c.message for c in asked(lab, experiment="exp").caveats if c.code == "unplanned_arm"]
    assert "stray" in told


def test_prices_in_another_currency_are_refused_before_anything_is_logged(tmp_path: Path) -> None:
    """Money is USD throughout: two currencies never meet in one column."""
    catalog = tmp_path / "prices.toml"
    catalog.write_text(
        '[[models]]\nprovider = "openai"\nmodel = "mine"\napi_model = "mine"\ntier = "economy"\n'
        'speed_tier = "fast"\ncontext_window = 8192\noutput_limit = 4096\nquality_prior = 0.5\nlatency_prior_s = 1.0\n'
        'prices = [{ effective_from = 2026-01-01, source = "s", input = 1.0, output = 2.0, currency = "EUR" }]\n'
    )
    with pytest.raises(BizqLabError, match="currency"):
        Lab.open(tmp_path / "lab.duckdb", catalog=str(catalog), providers="simulated")


def test_price_versions_that_mix_are_told(lab: Lab, stream: Stream) -> None:
    for number in range(20):
        for arm in ("a", "b"):
            decide = {"catalog_version": f"v{number % 2}"}
            stream.run(arm=arm, task=f"t{number}", succeeded=number % 3 > 0, decide=decide)
    assert "mixed_prices" in codes(asked(lab))


def test_an_unknown_price_is_no_zero(lab: Lab, stream: Stream) -> None:
    for number in range(12):
        stream.run(arm="a", task=f"t{number}", succeeded=True, cost_usd=None)
        stream.run(arm="b", task=f"t{number}", succeeded=True, cost_usd=0.01 + number / 1e4)
    answer = asked(lab)
    assert "unpriced" in codes(answer)
    assert "cost" not in {row.metric for row in answer.rows}
    with pytest.raises(NotEnoughData, match="no cost in arm 'a'"):
        asked(lab, primary="cost")


def test_experiments_that_are_pooled_are_told(lab: Lab, stream: Stream) -> None:
    for number in range(20):
        for arm in ("a", "b"):
            stream.run(arm=arm, task=f"t{number}", succeeded=True, decide={"experiment": f"e{number % 2}"})
    assert "mixed_experiments" in codes(asked(lab))


def test_units_in_two_experiments_at_once_are_told(lab: Lab, stream: Stream) -> None:
    for number in range(80):
        arm, experiment = "ab"[number % 2], ("one", "two")[number // 2 % 2]
        decide = {"unit": f"u{number // 4}", "experiment": experiment, **SPLIT}
        stream.run(arm=arm, task=f"t{number}", succeeded=number % 3 > 0, decide=decide)
    (told,) = [c.message for c in asked(lab, experiment="one").caveats if c.code == "overlapping_experiments"]
    assert "two" in told
    assert "19 units" in told, "the last unit's only other decision came after the experiment"


def test_experiments_one_after_the_other_do_not_overlap(lab: Lab, stream: Stream) -> None:
    for number in range(80):
        decide = {"unit": f"u{number % 40}", "experiment": "one" if number < 40 else "two", **SPLIT}
        stream.run(arm="ab"[number % 2], task=f"t{number}", succeeded=number % 3 > 0, decide=decide)
    assert "overlapping_experiments" not in codes(asked(lab, experiment="one"))


def test_an_arm_whose_model_drifted_voids_the_comparison(lab: Lab, stream: Stream) -> None:
    pairs(stream, [False] * 16 + [True] * 4, [True] * 20)
    stream.run(arm="b", task="t0", repeat=1, succeeded=True, served_model="served-2")
    answer = asked(lab)
    assert (answer.verdict, answer.winner) == ("invalid", "")
    (told,) = [caveat.message for caveat in answer.caveats if caveat.code == "drifted_model"]
    assert "b: 'served-1', 'served-2'" in told


def test_nothing_that_is_no_number_is_taken_as_a_margin_or_an_error_rate(lab: Lab, stream: Stream) -> None:
    pairs(stream, [True] * 12, [True] * 12)
    for options in ({"margin": math.nan}, {"alpha": math.nan}, {"alpha": 0.0}, {"guardrails": {"success": math.nan}}):
        with pytest.raises(InputError, match=r"== (nan|0\.0)"):
            asked(lab, **options)
