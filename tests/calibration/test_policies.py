"""Off-policy coverage, reduced: `make evaluation` runs it whole."""

from __future__ import annotations

import numpy as np
import pytest

from tests.calibration.policies import SEED, kept, logging_shares, study, targets, world
from tests.calibration.rows import Row
from tests.support.outcome_pools import REASON, RECORDED, recorded_pool

LOGS = 40


def test_intervals_cover_policies_that_never_ran_in_the_world() -> None:
    rows = [row for row in study("world", world(tasks=150), logs=LOGS, size=600, floor=0.1) if row.role == "ours"]
    assert len(rows) == 9
    assert all(kept(row) for row in rows), rows


@pytest.mark.skipif(not RECORDED.exists(), reason=REASON)
def test_intervals_cover_policies_that_never_ran_on_recorded_outcomes() -> None:
    pool = recorded_pool()
    rows = [row for row in study("recorded", pool, logs=LOGS, size=1_184, floor=0.05) if row.role == "ours"]
    assert all(kept(row) for row in rows), rows


def test_the_mean_of_what_was_logged_would_not_cover() -> None:
    """If it did, the study could not see a fault."""
    pool = world(tasks=150)
    shares, reward = logging_shares(pool, floor=0.1), pool.quality
    truth = pool.replayed(targets(pool)["best of each type"], reward)
    logged = pool.replayed(shares, reward)
    spread = float(reward.std()) / np.sqrt(600)
    assert abs(truth - logged) > 1.96 * spread


def test_the_promise_is_nominal_less_three_standard_errors() -> None:
    assert SEED
    assert kept(Row("", "", "coverage", 0.95, 461, 500))
    assert not kept(Row("", "", "coverage", 0.95, 460, 500))
