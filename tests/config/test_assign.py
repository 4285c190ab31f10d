"""Laws of sticky assignment."""

import hashlib
import json
import math
import os
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from bizq_lab.config import BUCKETS, bucket, pick
from bizq_lab.config.assign import overlap, pick_prepared, prepare
from bizq_lab.errors import InputError

# Issue 2 asks for 10,000 units; that takes ten seconds, so the daily run uses a fifth of them.
UNITS = 10_000 if os.environ.get("BIZQ_LAB_FULL") else 2_000
SALTS = 200
SEED = "bizq_lab/2026-11-24"

names = st.text(max_size=20)
weight_tables = st.dictionaries(names, st.integers(1, 100), min_size=1, max_size=6)
many = settings(max_examples=500, deadline=None)


def vectors() -> dict[str, Any]:
    text = files("bizq_lab.config").joinpath("assignment_vectors.json").read_text("ascii")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.mark.parametrize("case", vectors()["pick"])
def test_every_vector_holds(case: dict[str, Any]) -> None:
    assert pick(case["weights"], salt=case["salt"], unit=case["unit"]) == case["arm"]


@pytest.mark.parametrize("case", vectors()["pick"])
def test_the_vectors_follow_from_the_definition_alone(case: dict[str, Any]) -> None:
    """Written from the docstring's four steps, without our code, as another language would."""

    def part(text: str) -> bytes:
        return str(len(text.encode())).encode() + b":" + text.encode()

    scores = {}
    for arm, weight in case["weights"].items():
        word = int(hashlib.sha256(part(case["salt"]) + part(case["unit"]) + part(arm)).hexdigest()[:16], 16) >> 11
        assert str(word) == case["words"][arm]
        if weight:
            scores[arm] = -math.log((word + 1) / 2**53) / weight
    assert min(scores, key=lambda arm: (scores[arm], arm)) == case["arm"]


@pytest.mark.parametrize("case", vectors()["bucket"])
def test_every_bucket_vector_holds(case: dict[str, Any]) -> None:
    assert bucket(case["namespace"], case["unit"]) == case["bucket"]


@many
@given(weight_tables, names, names)
def test_a_unit_always_gets_the_same_arm_in_any_order(weights: dict[str, int], salt: str, unit: str) -> None:
    arm = pick(weights, salt=salt, unit=unit)
    assert arm in weights
    assert pick(dict(reversed(weights.items())), salt=salt, unit=unit) == arm
    assert pick_prepared(prepare(weights), salt=salt, unit=unit) == arm


@many
@given(weight_tables, names, names, st.integers(1, 100), st.data())
def test_raising_an_arms_weight_never_moves_a_unit_out_of_it(
    weights: dict[str, int], salt: str, unit: str, more: int, data: st.DataObject
) -> None:
    """S15: the others may fall to make room, but not rise."""
    arm = pick(weights, salt=salt, unit=unit)
    others = {name: data.draw(st.integers(0, weight)) for name, weight in weights.items() if name != arm}
    assert pick({**others, arm: weights[arm] + more}, salt=salt, unit=unit) == arm


@many
@given(weight_tables, names, names, st.data())
def test_removing_an_arm_moves_only_its_own_units(
    weights: dict[str, int], salt: str, unit: str, data: st.DataObject
) -> None:
    arm = pick(weights, salt=salt, unit=unit)
    removed = data.draw(st.sampled_from(sorted(weights)))
    rest = {name: weight for name, weight in weights.items() if name != removed}
    if rest and removed != arm:
        assert pick(rest, salt=salt, unit=unit) == arm


@many
@given(weight_tables, names, names)
def test_only_ratios_of_weights_matter(weights: dict[str, int], salt: str, unit: str) -> None:
    """So renormalising after eligibility reassigns nobody. Powers of two keep the arithmetic exact."""
    scaled = {arm: weight / 64 for arm, weight in weights.items()}
    assert pick(scaled, salt=salt, unit=unit) == pick(weights, salt=salt, unit=unit)


def test_the_split_is_uniform_over_salts() -> None:
    """Issue 2: chi-square p-values over 200 fixed salts are uniform, which neither a bias nor a quota would give."""
    arms = prepare({"treatment": 10, "default": 90})
    p_values = []
    for number in range(SALTS):
        salt = f"{SEED}/{number}"
        treated = sum(pick_prepared(arms, salt=salt, unit=f"ws_{unit}") == "treatment" for unit in range(UNITS))
        p_values.append(chisquare([treated, UNITS - treated], [0.1 * UNITS, 0.9 * UNITS]).pvalue)
    assert kstest(p_values, "uniform").pvalue > 1e-4


def test_different_salts_assign_independently() -> None:
    arms = prepare({"a": 50, "b": 50})
    same = sum(
        pick_prepared(arms, salt="one", unit=f"ws_{n}") == pick_prepared(arms, salt="two", unit=f"ws_{n}")
        for n in range(4_000)
    )
    assert abs(same - 2_000) < 5 * math.sqrt(1_000)


def test_buckets_are_even() -> None:
    counts = [0] * 10
    for number in range(20_000):
        counts[bucket("checkout", f"ws_{number}") * 10 // BUCKETS] += 1
    assert chisquare(counts).pvalue > 1e-4


def test_an_arm_of_weight_zero_is_never_chosen() -> None:
    assert {pick({"on": 1, "off": 0}, salt="s", unit=f"ws_{n}") for n in range(200)} == {"on"}


@pytest.mark.parametrize(
    "weights", [{}, {"a": 0}, {"a": -1}, {"a": math.nan}, {"a": math.inf}, {"a": 1, "b": -math.inf}]
)
def test_weights_that_cannot_be_drawn_from_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(InputError, match="weights"):
        pick(weights, salt="s", unit="u")


def test_ranges_that_touch_do_not_overlap() -> None:
    assert not overlap([(500, 1_000), (0, 500)])
    assert overlap([(0, 501), (500, 1_000)])
    assert overlap([(0, 1_000), (10, 20), (30, 40)])
