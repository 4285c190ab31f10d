"""Recorded outcomes: what was written comes back, the same rows give the same bytes, and what is wrong is said once."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bizq_lab.core.protocols import OutcomeSource, RecordedOutcome
from bizq_lab.errors import InputError
from bizq_lab.store.recorded import RecordedOutcomes, write_recorded
from bizq_lab.store.recorded_rows import RECORDED_COLUMNS

Row = dict[str, Any]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
COUNT = st.integers(0, 2**63 - 1)


def row(**changes: Any) -> Row:
    plain: Row = {
        "task_type": "order.process_batch",
        "task_key": "t1",
        "arm": "plain",
        "model": "local/m",
        "repeat": 0,
        "output": "fine",
        "finish_reason": "stop",
        "served_model": "m-1",
        "input_tokens": 10,
        "output_tokens": 5,
        "response_time_us": 1_500_000,
        "time_to_first_chunk_us": 250_000,
        "core_us": 2_000_000,
        "error_type": "",
        "prompt_version": "p1",
        "recorded_on": "2026-11-24",
    }
    return plain | changes


def find(outcomes: OutcomeSource, asked: Row) -> RecordedOutcome | None:
    return outcomes.lookup(
        task_type=asked["task_type"],
        task_key=asked["task_key"],
        arm=asked["arm"],
        model=asked["model"],
        repeat=asked["repeat"],
    )


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    keys = draw(st.lists(st.tuples(TEXT, TEXT, st.integers(0, 5)), min_size=1, max_size=12, unique=True))
    return [
        row(
            task_key=task,
            arm=arm,
            repeat=repeat,
            output=draw(TEXT),
            input_tokens=draw(COUNT),
            time_to_first_chunk_us=draw(st.none() | st.integers(0, 10**12)),
        )
        for task, arm, repeat in keys
    ]


@given(rows(), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_recorded_is_what_comes_back_in_whatever_order_it_was_given(
    tmp_path: Path, given_rows: list[Row], shuffle: random.Random
) -> None:
    first, second = tmp_path / "first.parquet", tmp_path / "second.parquet"
    assert write_recorded(first, given_rows) == len(given_rows)
    shuffle.shuffle(given_rows)
    write_recorded(second, given_rows)
    assert first.read_bytes() == second.read_bytes()
    outcomes = RecordedOutcomes(first)
    assert len(outcomes) == len(given_rows)
    by_key: dict[tuple[str, str], list[Row]] = {}
    for each in sorted(given_rows, key=lambda r: r["repeat"]):
        by_key.setdefault((each["task_key"], each["arm"]), []).append(each)
    for repeats in by_key.values():
        for number, each in enumerate(repeats):
            found = find(outcomes, each | {"repeat": number})
            assert found is not None
            assert (found.text, found.input_tokens) == (each["output"], each["input_tokens"])
            assert (found.first_token_s is None) == (each["time_to_first_chunk_us"] is None)


def test_times_come_back_in_seconds(tmp_path: Path) -> None:
    write_recorded(tmp_path / "r.parquet", [row()])
    assert find(RecordedOutcomes(tmp_path / "r.parquet"), row()) == RecordedOutcome(
        "fine", "stop", "m-1", 10, 5, 1.5, 0.25, 2.0, ""
    )


def test_a_repeat_beyond_the_last_wraps_around_and_a_stranger_is_none(tmp_path: Path) -> None:
    write_recorded(tmp_path / "r.parquet", [row(repeat=n, output=f"answer {n}") for n in range(3)])
    outcomes = RecordedOutcomes(tmp_path / "r.parquet")
    found = [find(outcomes, row(repeat=n)) for n in range(7)]
    assert [each and each.text for each in found] == [f"answer {n % 3}" for n in range(7)]
    assert find(outcomes, row(arm="other")) is None
    assert find(outcomes, row(task_key="other")) is None


def test_repeats_are_those_that_every_task_and_arm_has(tmp_path: Path) -> None:
    """A study that replays more would count an outcome twice."""
    unequal = [row(arm=arm, repeat=number) for arm, repeats in (("a", 3), ("b", 2)) for number in range(repeats)]
    write_recorded(tmp_path / "r.parquet", unequal)
    assert RecordedOutcomes(tmp_path / "r.parquet").repeats == 2


def test_a_recorded_failure_keeps_its_class_and_needs_no_output(tmp_path: Path) -> None:
    write_recorded(tmp_path / "r.parquet", [row(output=None, error_type="timeout_read")])
    found = find(RecordedOutcomes(tmp_path / "r.parquet"), row())
    assert found is not None
    assert (found.text, found.error_class) == ("", "timeout_read")


@pytest.mark.parametrize("name", ["a[1].parquet", "a*.parquet", "day=1/r.parquet", "o'clock.parquet", "ä ö.parquet"])
def test_a_path_is_a_path_and_no_pattern(tmp_path: Path, name: str) -> None:
    write_recorded(tmp_path / "a1.parquet", [row(output="another file")])
    write_recorded(tmp_path / name, [row(output="this file")])
    found = find(RecordedOutcomes(tmp_path / name), row())
    assert found is not None
    assert found.text == "this file"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"arm": None}, "arm is missing"),
        ({"repeat": -1}, "repeat == -1"),
        ({"input_tokens": 2**63}, "input_tokens == "),
        ({"input_tokens": True}, "must be int"),
        ({"response_time_us": 1.5}, "response_time_us == 1.5"),
        ({"output": "\ud800"}, "lone surrogate"),
        ({"output": None}, "payloads='full'"),
    ],
)
def test_a_row_that_cannot_be_replayed_is_refused_and_nothing_is_written(
    tmp_path: Path, changes: Row, said: str
) -> None:
    target = tmp_path / "r.parquet"
    with pytest.raises(InputError, match=r"row 1.*\n") as caught:
        write_recorded(target, [row(task_key="t0"), row(**changes)])
    assert said in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_outcome_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is there twice"):
        write_recorded(tmp_path / "r.parquet", [row(), row()])


def test_nothing_recorded_does_not_replace_an_older_file(tmp_path: Path) -> None:
    write_recorded(tmp_path / "r.parquet", [row()])
    with pytest.raises(InputError, match="holds no outcome"):
        write_recorded(tmp_path / "r.parquet", [])
    assert len(RecordedOutcomes(tmp_path / "r.parquet")) == 1


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_recorded(tmp_path / "file" / "r.parquet", [row()])


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all, but long enough to look" * 10])
def test_a_file_that_is_not_parquet_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r.parquet").write_bytes(content)
    with pytest.raises(InputError, match="not a Parquet file"):
        RecordedOutcomes(tmp_path / "r.parquet")


def test_a_missing_file_says_how_to_record_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file\nHint: .*bizq-lab record"):
        RecordedOutcomes(tmp_path / "r.parquet")


@pytest.mark.parametrize("column", RECORDED_COLUMNS)
def test_a_users_file_without_a_column_or_with_another_type_is_refused(tmp_path: Path, column: str) -> None:
    whole, user = tmp_path / "whole.parquet", tmp_path / "user.parquet"
    write_recorded(whole, [row()])
    for select in (f"* EXCLUDE ({column})", f"* REPLACE (1.5 AS {column})"):
        with duckdb.connect() as connection:
            connection.read_parquet(str(whole)).project(select).write_parquet(str(user))
        with pytest.raises(InputError, match=f"column '{column}' is"):
            RecordedOutcomes(user)


def test_a_users_file_may_have_more_columns_smaller_integers_and_any_order(tmp_path: Path) -> None:
    whole, user = tmp_path / "whole.parquet", tmp_path / "user.parquet"
    write_recorded(whole, [row(repeat=n, output=str(n)) for n in range(2)])
    with duckdb.connect() as connection:
        changed = connection.read_parquet(str(whole)).project("1 AS extra, * REPLACE (repeat::UTINYINT AS repeat)")
        changed.order("repeat DESC").write_parquet(str(user))
    found = find(RecordedOutcomes(user), row(repeat=1))
    assert found is not None
    assert found.text == "1"
