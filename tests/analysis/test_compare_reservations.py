"""What makes a comparison doubtful or void is refused or told by a coded caveat: never NaN, never a silent zero."""

from __future__ import annotations

import pytest

from bizq_lab.analysis import efficiency, performance
from bizq_lab.analysis import extent as extent_module
from bizq_lab.store import Log
from tests.support.analysis_log import Stream
from tests.support.comparing import HALVES, asked, codes, unit
from tests.support.store_events import make_event


def test_zero_variance_gives_an_interval_with_width_and_says_so(log: Log, stream: Stream) -> None:
    for number in range(30):
        for arm, quality in (("a", 0.8), ("b", 0.9)):
            stream.run(arm=arm, task=f"t{number}", succeeded=True, quality=quality)
    answer = asked(log, primary="quality")
    difference = answer.main_row().difference
    assert difference.lower < difference.value < difference.upper
    assert "zero_variance" in codes(answer)


def test_all_successes_leave_a_difference_of_zero_with_an_interval_around_it(log: Log, stream: Stream) -> None:
    for number in range(40):
        unit(stream, number, arm="ab"[number % 2])
    difference = asked(log).main_row().difference
    assert difference.lower < difference.value == 0.0 < difference.upper


def test_an_arm_that_no_config_offered_voids_the_comparison(log: Log, stream: Stream) -> None:
    """Nothing that was drawn from could give it: whoever wrote the row, it was no draw."""
    for number in range(60):
        unit(stream, number, arm="ab"[number % 2])
    for number in range(60, 66):
        unit(stream, number, arm="stray")
    answer = asked(log)
    assert "positivity" in codes(answer)
    assert answer.verdict == "invalid"


def test_overlapping_experiments_and_price_versions_are_told(log: Log, stream: Stream) -> None:
    for number in range(60):
        prices = {"experiment": "one" if number < 30 else "two", "catalog_version": f"v{number % 3}"}
        stream.run(arm="a", task=f"t{number}", succeeded=True, decide=prices)
        stream.run(arm="b", task=f"t{number}", succeeded=number % 2 == 0, decide=prices)
    assert {"mixed_experiments", "mixed_prices"} <= codes(asked(log))
    assert "mixed_prices" in {c.code for c in performance(log).caveats}
    assert "mixed_prices" in {c.code for c in efficiency(log).caveats}


def test_calls_that_ran_out_of_time_are_cut_short_and_not_dropped(log: Log, stream: Stream) -> None:
    """Completed calls of both arms are equally fast; one of them never answers a third of the time."""
    for number in range(120):
        late = number % 2 == 1 and number % 3 == 0
        unit(
            stream,
            number,
            arm="ab"[number % 2],
            succeeded=not late,
            latency_s=30.0 if late else 5.0 + number % 7,
            timed_out=late,
        )
    answer = asked(log)
    latency = next(row for row in answer.rows if row.metric == "latency")
    assert latency.difference.method == "restricted mean difference"
    assert latency.difference.lower > 0
    (told,) = [c.message for c in answer.caveats if c.code == "timeouts"]
    assert "log-rank p" in told


def test_silence_that_depends_on_the_arm_is_told_with_bounds(log: Log, stream: Stream) -> None:
    """Everybody of one arm rates, but only the pleased of the other do."""
    for number in range(160):
        arm, pleased = "ab"[number % 2], number % 8 < 4
        decision = unit(stream, number, arm=arm, segment="pro" if number % 3 else "free")
        if arm == "a" or pleased:
            stream.rate(decision, 4.5 if pleased else 2.0)
    answer = asked(log, primary="rating", margin=0.0)
    assert {"ratings_missing", "response_rates_differ"} <= codes(answer)
    (told,) = [c.message for c in answer.caveats if c.code == "ratings_missing"]
    assert "whatever the silent think" in told
    assert "if silence depends on the segment alone" in told


def test_ratings_are_ranked_by_the_levels_that_were_given(log: Log, stream: Stream) -> None:
    """Fractions are levels like others; several ratings of one unit count once."""
    for number in range(120):
        arm = "ab"[number % 2]
        for repeat in range(2):
            rated = {"unit": f"u{number}", "propensity_ppb": 500_000_000, "candidates": HALVES, "design": "randomised"}
            decision = stream.run(arm=arm, task=f"t{number}", repeat=repeat, succeeded=True, decide=rated)
            stream.rate(decision, (3.0, 3.5, 4.0)[number % 3] + (0.5 if arm == "b" and number % 4 == 1 else 0.0))
    row = next(r for r in asked(log).rows if r.metric == "rating")
    assert row.superiority is not None
    assert 0.5 < row.superiority.lower < row.superiority.value < row.superiority.upper < 1.0
    assert (row.superiority.n, row.superiority.unit) == (120, "probability")
    assert all(r.superiority is None for r in asked(log).rows if r.metric != "rating")


def test_people_who_took_over_are_an_arm_beside_the_comparison_and_decide_nothing(log: Log, stream: Stream) -> None:
    decisions = [unit(stream, number, arm="ab"[number % 2], succeeded=number % 4 > 0) for number in range(80)]
    alone = asked(log)
    for number in range(0, 80, 4):
        log.append(
            make_event(
                "human_task",
                decision_id=decisions[number],
                human_task_id=f"h{number}",
                status="done",
                succeeded=True,
                cost_nano_usd=5_000_000_000 + number,
                due_at_us=0,
            )
        )
    answer = asked(log)
    people = {row.metric: row for row in answer.rows if row.role == "people"}
    assert {"success", "quality", "cost", "latency"} <= people.keys()
    assert (people["cost"].arm, people["cost"].n) == ("human", 20)
    assert people["cost"].arm_mean.value == pytest.approx(5.0)
    assert {row.reading for row in people.values()} == {"unclear"}
    assert "people" in codes(answer)
    assert answer.rows[: len(alone.rows)] == alone.rows
    assert (answer.verdict, answer.winner) == (alone.verdict, alone.winner)
    assert not [row for row in asked(log, arms=["a", "b"]).rows if row.role == "people"]


def test_segments_are_shrunk_towards_each_other_and_decide_nothing(log: Log, stream: Stream) -> None:
    for number in range(240):
        arm, segment = "ab"[number % 2], ("free", "pro", "team")[number % 3]
        unit(stream, number, arm=arm, segment=segment, succeeded=number % 5 != 0 if arm == "b" else number % 7 < 4)
    plain, split = asked(log), asked(log, by="segment")
    rows = [row for row in split.rows if row.role == "segment"]
    assert [row.segment for row in rows] == ["free", "pro", "team"]
    assert (split.verdict, split.rows[: len(plain.rows)]) == (plain.verdict, plain.rows)
    drawn = [(row.difference.value, row.shrunk.value) for row in rows if row.shrunk]
    raw, shrunk = (max(values) - min(values) for values in zip(*drawn, strict=True))
    assert shrunk < raw
    assert sum(row.n for row in rows) == plain.main_row().n


def test_many_units_are_read_in_random_groups_and_give_the_same_answer(
    log: Log, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1200):
        unit(stream, number, arm="ab"[number % 2], succeeded=number % 10 != 0 if number % 2 else number % 6 > 2)
    one_by_one, table = asked(log), performance(log).rows
    monkeypatch.setattr(extent_module, "ONE_BY_ONE", 100)
    monkeypatch.setattr(extent_module, "ALL_CONDITIONS", 100)
    grouped, again = asked(log), performance(log).rows
    assert (grouped.verdict, grouped.winner) == (one_by_one.verdict, one_by_one.winner)
    mine, theirs = grouped.main_row().difference, one_by_one.main_row().difference
    assert "random groups" in mine.method
    assert mine.n == theirs.n == 1200
    assert (mine.value, mine.lower, mine.upper) == pytest.approx((theirs.value, theirs.lower, theirs.upper), abs=0.01)
    for ours, other in zip(again, table, strict=True):
        assert ours.success.n == other.success.n == 600
        assert ours.success.value == other.success.value
        assert (ours.success.lower, ours.success.upper) == pytest.approx(
            (other.success.lower, other.success.upper), abs=0.01
        )
        assert ours.p95_s == other.p95_s


def test_a_split_is_checked_in_a_log_of_many_units_too(
    log: Log, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4000):
        unit(stream, number, arm="a" if number % 3 else "b")
    monkeypatch.setattr(extent_module, "ONE_BY_ONE", 100)
    answer = asked(log)
    assert answer.verdict == "invalid"
    assert "sample_ratio_mismatch" in codes(answer)


@pytest.mark.parametrize("busy", ["most", "one"])
def test_busy_units_are_no_mismatch_in_a_log_of_many_units_either(
    log: Log, stream: Stream, monkeypatch: pytest.MonkeyPatch, busy: str
) -> None:
    """One busy unit may be in no part that is looked at, as u508 is: a count of decisions would take it for many."""
    for number in range(1000):
        drawn = {"unit": f"u{number}", "candidates": HALVES, "design": "randomised"}
        repeats = 1 + 3 * (number % 2) if busy == "most" else 300 if number == 508 else 1
        for repeat in range(repeats):
            stream.run(arm="ab"[number % 2], task=f"t{number}", repeat=repeat, succeeded=repeat % 3 < 2, decide=drawn)
    monkeypatch.setattr(extent_module, "ONE_BY_ONE", 100)
    answer = asked(log)
    assert "random groups" in answer.main_row().difference.method
    assert not codes(answer) & {"sample_ratio_mismatch", "sample_ratio_unchecked"}


def test_units_under_two_configs_are_checked_by_their_first_exposure(log: Log, stream: Stream) -> None:
    for number in range(80):
        drawn = {"unit": f"u{number}", "candidates": HALVES, "design": "randomised", "config_hash": f"c{number % 2}"}
        for repeat in range(3):
            decide = {**drawn, "config_hash": f"c{(number + repeat) % 2}"}
            stream.run(arm="ab"[number // 2 % 2], task=f"t{number}", repeat=repeat, succeeded=True, decide=decide)
    assert not codes(asked(log)) & {"sample_ratio_mismatch", "sample_ratio_unchecked", "positivity"}
