"""A reduced run of the study of daily looks; `make looks` runs it whole."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from tests.calibration.looks import ALPHA, AT_ITS_MARGIN, DAYS, KINDS, SEED, Kind, by_task, keeps, rows_of, watch
from tests.calibration.rows import Row, markdown

REDUCED = 8
GENERATOR = [SEED, 2]


@cache
def reduced(name: str) -> list[Row]:
    [kind] = [kind for kind in KINDS if kind.name == name]
    return rows_of(kind, REDUCED)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_all_looks_together_cover_and_name_no_false_winner(kind: Kind) -> None:
    rows = reduced(kind.name)
    assert len(rows) == (2 if kind.truth else 3)
    assert all(keeps(row) for row in rows if row.role == "ours"), markdown(rows)


def test_the_fixed_interval_read_every_evening_misses_and_the_study_sees_it() -> None:
    """Otherwise the study could not see that a look is not free."""
    rows = [reduced(kind.name)[-1] for kind in KINDS if kind.metric == "success" and not kind.bounded]
    assert sum(row.replications - row.hits for row in rows) > 2 * ALPHA * REDUCED * len(rows)


def test_a_guardrail_that_is_far_broken_stops_and_one_at_its_margin_seldom_does() -> None:
    rng = np.random.default_rng(GENERATOR)
    far = Kind(
        name="far",
        draw=lambda rng: by_task(rng, rate=0.9, gain=-0.5, a_day=12),
        metric="latency",
        rails={"success": 0.05},
    )
    ends = {
        kind.name: [{one.stop for one in watch(kind, kind.draw(rng)).rulings} for _ in range(4)]
        for kind in (far, AT_ITS_MARGIN)
    }
    assert all("guardrail" in stops for stops in ends["far"])
    assert sum("guardrail" in stops for stops in ends[AT_ITS_MARGIN.name]) <= 1


def test_a_large_gain_is_found_and_once_found_stays() -> None:
    """Intervals only narrow: a winner of one evening is a winner of every later one."""
    rng = np.random.default_rng(GENERATOR)
    kind = Kind(name="gain", draw=lambda rng: by_task(rng, rate=0.4, gain=0.45, a_day=12), truth=0.45)
    for _ in range(3):
        won = [one.verdict == "winner" for one in watch(kind, kind.draw(rng)).rulings]
        assert won[-1]
        assert won.index(True) < DAYS - 10
        assert all(won[won.index(True) :])


def test_a_promise_is_held_without_a_point_of_grace() -> None:
    assert keeps(Row("", "", "coverage", 0.95, 1871, 2000))
    assert not keeps(Row("", "", "coverage", 0.95, 1870, 2000))
