"""A reduced run of the alarm study; `make alarms` runs it whole."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.calibration.alarms import BAD, DRIFTING, QUIET, SEED, delays, keeps, month, quiet_rows, steady_rows
from tests.calibration.rows import Row, markdown


def test_quiet_months_raise_no_more_alarms_than_alpha_allows() -> None:
    rows = quiet_rows(6, slot_hours=3)
    ours = [row for row in rows if row.role == "ours"]
    assert len(ours) == len(QUIET)
    assert all(keeps(row) for row in ours), markdown(rows)
    assert not any(keeps(row) for row in rows if row.role == "sketch"), "the sketch's rule cries every month"


def test_series_that_do_not_drift_are_seldom_said_to() -> None:
    rows = steady_rows(3)
    assert all(keeps(row) for row in rows), markdown(rows)


def test_what_is_bad_is_noticed_within_days() -> None:
    found = delays(5, slot_hours=3)
    assert len(found) == len(BAD) + len(DRIFTING)
    for name, days in found.items():
        assert sum(map(math.isfinite, days)) >= 3, f"{name}: {days}"
    assert np.median(found["twice as slow"]) <= 1.0


def test_days_that_differ_would_cry_without_the_test_of_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """If these months were quiet for every test, the study could not see that one is needed."""
    monkeypatch.setattr("bizq_lab.analysis.worsening._by_days", lambda *_: 0.0)
    [world] = [world for world in QUIET if world.days_differ]
    rng = np.random.default_rng(SEED)
    assert all(month(world, rng, slot_hours=6).ours is not None for _ in range(2))


def test_a_month_is_held_to_alpha_without_a_point_of_grace() -> None:
    assert keeps(Row("", "", "type I error", 0.025, 19, 400))
    assert not keeps(Row("", "", "type I error", 0.025, 20, 400))
