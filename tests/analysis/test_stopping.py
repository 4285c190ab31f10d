"""Each reason to stop fires where it should, not where it should not, and the most urgent one is named (S29, S30)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bizq_lab.analysis.look import Sight
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.analysis.sequences import Rail, Watched
from bizq_lab.analysis.stopping import rule
from bizq_lab.analysis.watch import Watch, take_look
from bizq_lab.core.estimate import Estimate
from bizq_lab.stats.srm import ALARM
from bizq_lab.store import Log
from tests.support.analysis_log import TASK_TYPE, Stream

LATER_US = 2**62
WATCHED = Watched(
    experiment="e",
    task_type=TASK_TYPE,
    control="a",
    treatments=("b",),
    design="randomised",
    metric=METRICS["success"],
    margin=0.05,
    alpha=0.05,
    guardrails={},
    bounded=False,
    planned_n=1_000,
    minimum_effect=0.1,
)


def split(stream: Stream, arm: str, *, good: int, n: int, first: int = 0, **outcome: Any) -> None:
    """`n` units of one arm of a split by halves; the first `good` of every hundred succeed."""
    both = [{"arm": "a", "propensity": 0.5}, {"arm": "b", "propensity": 0.5}]
    for number in range(first, first + n):
        unit = f"{arm}{number}"
        stream.run(
            arm=arm, task=unit, succeeded=number % 100 < good, **outcome,
            decide={"design": "randomised", "experiment": "e", "unit": unit, "workspace_id": unit,
                    "propensity_ppb": 500_000_000, "candidates": both},
        )  # fmt: skip


def look(log: Log, **changes: Any) -> Watch:
    return take_look(log, replace(WATCHED, **changes), as_of_us=LATER_US)


# -- over a log ---------------------------------------------------------------------------------------------------


def test_a_split_that_is_not_as_promised_stops_whatever_the_outcomes_say(log: Log, stream: Stream) -> None:
    split(stream, "a", good=50, n=50)
    split(stream, "b", good=100, n=150)
    seen = look(log)
    assert (seen.stop, seen.last.verdict, seen.last.winner) == ("invalid", "invalid", "")
    assert seen.last.sample_ratio_p is not None
    assert seen.last.sample_ratio_p < ALARM


def test_decisions_are_not_units_so_that_a_busy_one_is_no_mismatch(log: Log, stream: Stream) -> None:
    """A row count would alarm: b's units bring five tasks each (S29)."""
    split(stream, "a", good=90, n=60)
    for _ in range(5):
        split(stream, "b", good=90, n=60)
    seen = look(log)
    assert seen.stop != "invalid"
    assert seen.last.n == 120


def test_a_broken_guardrail_stops_and_one_that_holds_does_not(log: Log, stream: Stream) -> None:
    for arm, latency_s in (("a", 1.0), ("b", 3.0)):
        for part in range(60):
            split(stream, arm, good=90, n=1, first=part, latency_s=latency_s + part / 100)
    broken, kept = (look(log, guardrails={"latency": margin}) for margin in (0.5, 5.0))
    assert (broken.stop, broken.last.verdict) == ("guardrail", "guardrail_failed")
    assert broken.last.guardrails == "latency failed"
    assert kept.stop != "guardrail"
    assert kept.last.guardrails == "latency passed"


def test_the_budget_stops_when_it_is_spent_and_not_before(log: Log, stream: Stream) -> None:
    for arm in ("a", "b"):
        split(stream, arm, good=90, n=40, cost_usd=0.01)
    assert look(log, budget_nano_usd=800_000_000).stop == "budget"
    assert look(log, budget_nano_usd=800_000_001).stop == ""
    assert look(log, budget_nano_usd=None).stop == ""


def test_a_planned_sample_that_is_in_and_does_not_decide_is_futile(log: Log, stream: Stream) -> None:
    for arm in ("a", "b"):
        split(stream, arm, good=80, n=60)
    assert look(log, planned_n=60).stop == "futility"
    early = look(log, planned_n=1_000)
    assert (early.stop, early.last.verdict) == ("", "inconclusive")


def test_a_clear_gain_stops_for_its_winner_before_anything_that_only_saves(log: Log, stream: Stream) -> None:
    split(stream, "a", good=30, n=100)
    split(stream, "b", good=90, n=100)
    seen = look(log, planned_n=100, budget_nano_usd=1)
    assert (seen.stop, seen.last.verdict, seen.last.winner) == ("winner", "winner", "b")


# -- the ruling alone ---------------------------------------------------------------------------------------------


def sight(value: float, half: float, *, tasks: int = 400, outlook: float | None = None, **rest: Any) -> Sight:
    gap = Estimate(value=value, lower=value - half, upper=value + half, unit="success")
    options: dict[str, Any] = {"cheaper": "", "rails": (), **rest}
    return Sight(
        arm="b", n_arm=tasks // 2, n_control=tasks // 2, tasks=tasks, difference=gap, p_value=None, tuning={},
        outlook=outlook, **options,
    )  # fmt: skip


def stop(*sights: Sight, split_p: float | None = None, spent: int = 0, **changes: Any) -> str:
    return rule(sights, replace(WATCHED, **changes), split_p=split_p, spent_nano_usd=spent).stop


def rail(reading: Any) -> Rail:
    return Rail(metric="latency", margin=0.5, difference=Estimate(value=1, lower=0.6, upper=1.4), reading=reading)


@pytest.mark.parametrize(
    ("outlook", "tasks", "stopped"),
    [(0.05, 600, "futility"), (0.15, 600, ""), (0.05, 400, ""), (None, 600, "")],
)
def test_a_poor_outlook_is_futile_only_after_a_quarter_of_the_plan(
    outlook: float | None, tasks: int, stopped: str
) -> None:
    assert stop(sight(0.0, 0.2, outlook=outlook, tasks=tasks)) == stopped


def test_a_gain_that_matters_is_excluded_on_both_sides_or_the_watch_goes_on() -> None:
    assert stop(sight(0.0, 0.09)) == "futility"
    assert stop(sight(0.03, 0.09)) == "", "b could still be better by a tenth"
    assert stop(sight(-0.03, 0.09)) == "", "so could a"
    assert stop(sight(0.0, 0.09), minimum_effect=0.0) == "", "every gain matters"


def test_the_most_urgent_reason_is_named() -> None:
    """Invalid, guardrail, winner, budget, futility."""
    everything = sight(0.3, 0.1, tasks=2_000, outlook=0.0, rails=(rail("failed"),))
    spent: dict[str, Any] = {"spent": 9, "budget_nano_usd": 1}
    assert stop(everything, split_p=ALARM / 2, **spent) == "invalid"
    assert stop(everything, split_p=ALARM * 2, **spent) == "guardrail"
    sound = replace(everything, rails=(rail("passed"),))
    assert stop(sound, **spent) == "winner"
    undecided = sight(0.0, 0.3, tasks=2_000, outlook=0.0)
    assert stop(undecided, **spent) == "budget"
    assert stop(undecided) == "futility"


def test_a_better_arm_whose_guardrail_is_not_yet_shown_to_hold_is_waited_for() -> None:
    assert stop(sight(0.3, 0.1, rails=(rail("unclear"),))) == ""
