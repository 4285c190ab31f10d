from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bizq_lab.core.events import EVENTS
from bizq_lab.store import Log, ahead, lines
from bizq_lab.store.journal import segment_name
from bizq_lab.store.places import journal_folder
from bizq_lab.store.staging import Batch
from tests.support.store_events import SAMPLED, crossing_events, make_event, make_story

texts = st.text(st.characters(codec=None), max_size=30)


def table(path: Path, name: str) -> list[tuple[Any, ...]]:
    """All rows of a table, in an order of their own."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)  # noqa: S608 - our own names


def append_raw(path: Path, data: bytes, *, name: str | None = None) -> str:
    """Bytes in a segment whose owner is gone."""
    folder = journal_folder(path)
    folder.mkdir(exist_ok=True)
    name = name or segment_name()
    (folder / name).write_bytes(data)
    return name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lab.duckdb"


@pytest.mark.parametrize("kind", EVENTS)
def test_every_field_of_every_kind_arrives(path: Path, kind: str) -> None:
    event = make_event(kind)
    with Log.open(path) as log:
        log.append(event)
        assert log.collect().events == 1
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(f"SELECT * FROM {kind}")  # noqa: S608 - a key of EVENTS
        columns = [(column[0], str(column[1])) for column in found.description]
        (row,) = found.fetchall()
    for (name, kind_of), value in zip(columns, row, strict=True):
        assert (json.loads(value) if kind_of == "JSON" else value) == getattr(event, name)


def test_collecting_again_adds_nothing(path: Path) -> None:
    with Log.open(path) as log:
        for event in make_story("d1"):
            log.append(event)
        assert (log.collect().events, log.collect().events) == (4, 0)
        log.append(make_event("alert"))
        assert log.collect().events == 1


def test_a_finished_segment_is_removed_and_a_living_one_stays(path: Path) -> None:
    log = Log.open(path)
    log.append(make_event("alert"))
    assert log.collect().removed == 0
    log.close()
    assert log.collect().removed == 1
    assert {entry.name for entry in journal_folder(path).iterdir()} == {"lock", "turn"}
    assert log.collect().batches == 0
    assert len(table(path, "alert")) == 1
    log.append(make_event("alert"))
    log.collect()
    assert len(table(path, "collected_segment")) == 1, "offsets of segments that are no more are forgotten"
    log.close()


def test_an_event_written_twice_is_kept_once_and_the_copy_is_quarantined(path: Path) -> None:
    line = lines.encode(make_event("alert"))
    append_raw(path, line + line)
    with Log.open(path) as log:
        report = log.collect()
        assert (report.events, report.quarantined) == (1, 1)
        append_raw(path, line)
        again = log.collect()
        assert (again.events, again.quarantined) == (0, 1)
        assert {caveat.code for caveat in again.caveats} == {"quarantined_lines"}
    assert {row[2] for row in table(path, "quarantine")} == {"event_id occurs twice", "event_id was collected before"}
    assert len(table(path, "alert")) == 1


def test_refused_lines_keep_their_place_their_reason_and_their_bytes(path: Path) -> None:
    good = [lines.encode(make_event("alert")) for _ in range(3)]
    flipped = good[1].replace(b"text", b"tekst", 1)
    name = append_raw(path, good[0] + b"garbage\n" + flipped + good[2] + b'{"crc":"torn')
    with Log.open(path) as log:
        report = log.collect()
        assert (report.events, report.quarantined) == (2, 3)
        assert log.health().needs_attention
    found = {(row[1], row[2], row[3]) for row in table(path, "quarantine") if row[0] == name}
    at = len(good[0])
    assert found == {
        (at, "not a journal line", b"garbage"),
        (at + 8, "checksum does not match", flipped[:-1]),
        (at + 8 + len(flipped) + len(good[2]), "its writer died before the line was whole", b'{"crc":"torn'),
    }
    assert not (journal_folder(path) / name).exists()


def test_the_unfinished_line_of_a_living_writer_waits(path: Path) -> None:
    log = Log.open(path)
    log.append(make_event("alert"))
    (name,) = (entry.name for entry in journal_folder(path).glob("*.jsonl"))
    line = lines.encode(make_event("alert"))
    with (journal_folder(path) / name).open("ab") as file:
        file.write(line[:50])
        file.flush()
        first = log.collect()
        file.write(line[50:])
    second = log.collect()
    assert (first.events, first.quarantined, second.events, second.quarantined) == (1, 0, 1, 0)
    log.close()


@pytest.mark.parametrize(
    "poison",
    [{"seed": 2**70}, {"event_id": None}, {"recorded_at_us": None}, {"decision_id": None}, {"repeat": 2**40}],
)
def test_one_line_that_no_table_takes_does_not_hold_up_the_rest(path: Path, poison: dict[str, Any]) -> None:
    with Log.open(path) as log:
        for number in range(5):
            log.append(make_event("decision", decision_id=f"d{number}"))
        log.append(make_event("decision", **({"decision_id": "poison"} | poison)))
        for number in range(5, 9):
            log.append(make_event("decision", decision_id=f"d{number}"))
        report = log.collect()
        assert report.events + report.quarantined == 10
        assert report.events >= 9
        assert {f"d{n}" for n in range(9)} <= {
            row["decision_id"] for row in log.query("decisions_of_task", task_id="text")
        }


def test_files_of_others_are_left_alone_and_reported(path: Path) -> None:
    append_raw(path, b"hello", name="notes.txt")
    with Log.open(path) as log:
        log.append(make_event("alert"))
        report = log.collect()
        assert report.events == 1
        assert report.foreign == ("notes.txt",)
        assert [caveat.code for caveat in report.caveats] == ["foreign_files"]
        assert log.health().foreign == ("notes.txt",)
    assert (journal_folder(path) / "notes.txt").read_bytes() == b"hello"


def test_a_segment_of_a_newer_release_waits_for_it(path: Path) -> None:
    data = lines.encode_header(schema=99, pid=1, host="h") + lines.encode(make_event("alert"))
    name = append_raw(path, data)
    with Log.open(path) as log:
        log.append(make_event("alert"))
        report = log.collect()
        assert (report.events, report.newer) == (1, (name,))
    assert (journal_folder(path) / name).read_bytes() == data


context_of = st.dictionaries(texts, texts | st.lists(texts, max_size=2), max_size=3)


@given(st.lists(st.tuples(texts, context_of), min_size=1, max_size=10))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_hostile_text_comes_back_as_it_was(said: list[tuple[str, dict[str, Any]]]) -> None:
    """NUL, quotes, emoji, right-to-left; a lone surrogate comes back as U+FFFD."""
    with tempfile.TemporaryDirectory() as folder, Log.open(Path(folder) / "lab.duckdb") as log:
        for number, (comment, context) in enumerate(said):
            log.append(make_event("feedback", event_id=f"{number:02}", comment=comment))
            log.append(make_event("decision", event_id=f"d{number:02}", context=context))
        assert log.collect().quarantined == 0
        with duckdb.connect(str(log.path), read_only=True) as connection:
            comments = connection.execute("SELECT comment FROM feedback ORDER BY event_id").fetchall()
            contexts = connection.execute("SELECT context FROM decision ORDER BY event_id").fetchall()
    assert [text for (text,) in comments] == [_scalar(comment) for comment, _ in said]
    wanted = [json.loads(_scalar(json.dumps(context, ensure_ascii=False))) for _, context in said]
    assert [json.loads(found) for (found,) in contexts] == wanted


def test_a_megabyte_of_text_passes(path: Path) -> None:
    text = '\0"\\\n\u202e🧪x' * 200_000
    with Log.open(path) as log:
        log.append(make_event("attempt", output=text))
        assert log.collect().events == 1
        assert list(log.sql("SELECT output FROM attempt")["output"]) == [text]


def test_of_two_decisions_the_first_counts_and_of_ratings_the_latest(path: Path) -> None:
    with Log.open(path) as log:
        for event in crossing_events():
            log.append(event)
        rows = {row["decision_id"]: row for row in log.sql("FROM task_outcome").to_dict("records")}
    assert set(rows) == {"a", "b", "c", SAMPLED[0]}
    assert (rows["a"]["rating_ppm"], rows["a"]["ratings"], rows["a"]["feedback_at_us"]) == (2, 3, 10)
    assert (rows["b"]["status"], rows["c"]["status"], rows["c"]["arm"]) == ("failed", "pending", "first")


def _collect_often(path: Path, times: int) -> None:
    log = Log.open(path)
    for _ in range(times):
        log.collect()
    os._exit(0)


def test_concurrent_collectors_and_readers_lose_and_repeat_nothing(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    log = Log.open(path)
    log.collect()
    collectors = [context.Process(target=_collect_often, args=(path, 6)) for _ in range(2)]
    for process in collectors:
        process.start()
    seen: list[int] = []
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            seen.extend(int(log.sql("SELECT count(*) AS n FROM alert")["n"][0]) for _ in range(4))
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    reader = threading.Thread(target=ask)
    reader.start()
    for _ in range(400):
        log.append(make_event("alert"))
    reader.join()
    for process in collectors:
        process.join()
        assert process.exitcode == 0
    assert errors == []
    assert seen == sorted(seen)
    log.collect()
    assert len(table(path, "alert")) == len({row[0] for row in table(path, "alert")}) == 400
    log.close()


def test_what_a_backlog_leaves_in_pieces_is_joined_by_a_batch_that_comes_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "BATCH_EVENTS", 500)
    with Log.open(path) as log:
        for number in range(8_000):
            log.append(make_event("outcome", decision_id=str(number)))
        report = log.collect()
        assert report.batches > 15
        assert pieces_of_outcomes(path) > 15
        log.append(make_event("outcome"))
        log.collect()
    assert pieces_of_outcomes(path) == 1


def pieces_of_outcomes(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        pieces = "SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('outcome')"
        return int(connection.execute(pieces).fetchall()[0][0])


@given(st.dictionaries(st.sampled_from(sorted(EVENTS)), st.integers(1, 60_000), max_size=5))
def test_the_row_groups_of_a_batch_are_filled_by_all_that_is_large_in_it(counts: dict[str, int]) -> None:
    batch = Batch({})
    batch.kinds = {kind: [0] * n for kind, n in counts.items()}
    rows, large = batch.row_group_rows, [n for n in counts.values() if n >= max(counts.values()) / 4]
    fewest = min(large, default=0)
    assert rows is None or (rows % 2048 == 0 and rows <= fewest < rows + 2048)
    assert rows is not None or fewest < 2048


def test_a_backlog_is_written_in_row_groups_of_its_batches(path: Path) -> None:
    with Log.open(path) as log:
        for _ in range(16_000):
            log.append(make_event("alert"))
        log.collect()
    with duckdb.connect(str(path), read_only=True) as connection:
        groups = connection.execute(
            "SELECT max(start + count) - min(start) FROM pragma_storage_info('alert') GROUP BY row_group_id ORDER BY 1"
        ).fetchall()
    first, second = 12_500 - 1, 3_500 + 1  # a quarter of a full batch, its first line the segment's header
    assert groups == [(first - 12_288,), (second - 2_048,), (2_048,), (12_288,)]


def test_another_collector_at_work_does_not_hold_up_a_question(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bizq_lab.store import access  # noqa: PLC0415 - patched here only
    from bizq_lab.store.locks import file_lock  # noqa: PLC0415 - as above

    monkeypatch.setattr(access, "_QUESTION_PATIENCE_S", 0.0)
    with Log.open(path) as log:
        log.append(make_event("alert"))
        log.collect()
        log.append(make_event("alert"))
        with file_lock(journal_folder(path) / "lock", exclusive=False, patience_s=0) as held:
            assert held
            assert int(log.sql("SELECT count(*) AS n FROM alert")["n"][0]) == 1
            assert [caveat.code for caveat in log.last_collection.caveats] == ["not_collected"]
        assert int(log.sql("SELECT count(*) AS n FROM alert")["n"][0]) == 2


def _scalar(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
