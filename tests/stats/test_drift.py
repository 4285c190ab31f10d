"""A change of level is found, dated and told from chance; what is found does not depend on scale or direction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.drift import detect_shifts, latest_against_past
from bizq_lab.stats.types import Floats


def days(seed: int, *, shift: float = 0.0, at: int = 40, n: int = 60) -> Floats:
    values = np.random.default_rng(seed).normal(0.0, 1.0, n)
    values[at:] += shift
    return values


def sizes(n: int = 60) -> Floats:
    return np.full(n, 50.0)


@pytest.mark.parametrize("up", [True, False])
def test_a_shift_is_found_with_its_direction_and_its_day(up: bool) -> None:  # noqa: FBT001 - a case
    starts = []
    for seed in range(10):
        seen = detect_shifts(days(seed, shift=4.0 if up else -4.0), sizes(), alpha=0.05)
        [shift] = seen.shifts
        assert (shift.up, shift.detected <= 48) == (up, True)
        starts.append(shift.start)
    assert 39 <= np.median(starts) <= 41


def test_unchanged_days_are_steady() -> None:
    found = sum(bool(detect_shifts(days(seed, n=120), sizes(120), alpha=0.05).shifts) for seed in range(60))
    assert found <= 3


def test_one_odd_day_is_no_drift() -> None:
    values = days(1)
    values[45] += 12.0
    assert not detect_shifts(values, sizes(), alpha=0.05).shifts


def test_a_second_change_is_found_against_the_days_since_the_first() -> None:
    values = days(2, shift=5.0, at=30, n=110)
    values[80:] -= 5.0
    assert [shift.up for shift in detect_shifts(values, sizes(110), alpha=0.05).shifts] == [True, False]


def test_weaker_evidence_is_asked_of_nobody_before_the_burn_in() -> None:
    seen = detect_shifts([0.0, 0.1] * 5, sizes(10), alpha=0.05)
    assert (seen.shifts, seen.evidence, seen.reference) == ((), 0.0, 0)


@given(st.integers(0, 50), st.floats(0.01, 100.0), st.floats(-50.0, 50.0))
def test_unit_and_origin_of_the_values_do_not_matter(seed: int, scale: float, origin: float) -> None:
    values = days(seed, shift=3.0)
    seen, moved = (detect_shifts(v, sizes(), alpha=0.05) for v in (values, origin + scale * values))
    assert seen.shifts == moved.shifts


def test_with_equal_sizes_the_latest_day_is_students_prediction() -> None:
    """Its t is that of a new observation against a sample, so its p-value is uniform."""
    rng = np.random.default_rng(3)
    p = []
    for _ in range(400):
        z, df = latest_against_past(rng.normal(5, 2, 9), sizes(9))
        p.append(student.sf(z, df))
    values = rng.normal(5, 2, 9)
    z, df = latest_against_past(values, sizes(9))
    past = values[:-1]
    assert z == pytest.approx((values[-1] - past.mean()) / (past.std(ddof=1) * np.sqrt(1 + 1 / 8)))
    assert df == 7
    assert abs(np.mean(np.array(p) < 0.1) - 0.1) < 0.05


def test_days_that_never_differed_make_any_difference_plain() -> None:
    assert latest_against_past([1.0, 1.0, 1.0, 2.0], sizes(4))[0] == np.inf
    assert latest_against_past([1.0, 1.0, 1.0, 1.0], sizes(4))[0] == 0.0
    assert latest_against_past([1.0, 1.0, 1.0, 2.0], sizes(4), least_sd=1.0)[0] < 1.0


def test_what_makes_no_series_is_refused() -> None:
    with pytest.raises(InputError, match="burn_in == 2"):
        detect_shifts([1.0], [1.0], alpha=0.05, burn_in=2)
    with pytest.raises(InputError, match="alpha == 0"):
        detect_shifts([1.0], [1.0], alpha=0.0)
    with pytest.raises(NotEnoughData):
        latest_against_past([1.0, 2.0], [1.0, 1.0])
