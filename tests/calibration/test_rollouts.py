"""A reduced run of the rollout study; `make rollouts` runs it whole."""

from __future__ import annotations

import pytest

from tests.calibration.rollouts import HARMLESS, SCENARIOS, most_false_alarms, study, table

RUNS = 15
HARMFUL = [name for name in SCENARIOS if name not in HARMLESS]


@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_rollout_is_taken_back_before_it_is_whole(name: str) -> None:
    ended = study(name, runs=RUNS, every_hours=12)
    assert sum(run.how == "roll_back" and run.percent < 100 for run in ended) >= 0.95 * RUNS, table({name: ended})


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_rollout_is_seldom_taken_back_however_often_one_looks(name: str) -> None:
    ended = study(name, runs=RUNS, every_hours=12)
    assert sum(run.how == "roll_back" for run in ended) <= most_false_alarms(RUNS) * RUNS, table({name: ended})
    assert sum(run.how == "complete" for run in ended) >= 0.8 * RUNS, table({name: ended})
