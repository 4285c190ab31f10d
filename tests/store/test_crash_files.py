"""Files that are cut, garbled, somebody else's, held, or read-only: one clear error, and nothing of theirs changes."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bizq_lab.core.events import EVENTS
from bizq_lab.errors import ForeignFile, LogError, LogLocked
from bizq_lab.store import Log, journal_folder
from tests.support.hostile import HANDLERS, SCRIPTS
from tests.support.store_events import make_event
from tests.support.store_processes import finish, start

EVENTS_IN_A_SEGMENT = 5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lab.duckdb"


def filled(path: Path, n: int = EVENTS_IN_A_SEGMENT) -> Path:
    """Append decisions d0, d1, … to a log that nobody has collected; returns the segment, whose owner is gone."""
    with Log.open(path) as log:
        for number in range(n):
            log.append(make_event("decision", event_id=f"e{number}", decision_id=f"d{number}", task_id="t"))
    (segment,) = journal_folder(path).glob("*.jsonl")
    return segment


def decisions(log: Log) -> list[str]:
    return [row["decision_id"] for row in log.query("decisions_of_task", task_id="t")]


# -- segments -------------------------------------------------------------------------------------------------------


@given(st.floats(0, 1))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_segment_cut_anywhere_gives_its_whole_lines_and_says_what_is_missing(tmp_path: Path, share: float) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        path = Path(folder) / "lab.duckdb"
        segment = filled(path)
        whole = segment.read_bytes()
        cut = whole[: round(share * len(whole))]
        segment.write_bytes(cut)
        complete = max(cut.count(b"\n") - 1, 0)  # the first line is the header
        with Log.open(path) as log:
            report = log.collect()
            assert decisions(log) == [f"d{number}" for number in range(complete)]
            assert report.quarantined == (cut != b"" and not cut.endswith(b"\n"))
            assert log.health().needs_attention == bool(report.quarantined)


@given(st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_garbled_line_costs_itself_and_no_other(tmp_path: Path, rng: random.Random) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        path = Path(folder) / "lab.duckdb"
        segment = filled(path)
        lines = segment.read_bytes().splitlines()
        victim = rng.randrange(1, len(lines))
        at = rng.randrange(len(lines[victim]))
        flipped = lines[victim][at] ^ (1 << rng.randrange(8))
        lines[victim] = lines[victim][:at] + bytes([flipped]) + lines[victim][at + 1 :]
        segment.write_bytes(b"\n".join(lines) + b"\n")
        with Log.open(path) as log:
            log.collect()
            assert decisions(log) == [f"d{number}" for number in range(EVENTS_IN_A_SEGMENT) if number != victim - 1]
            kept = log.sql("SELECT line FROM quarantine ORDER BY byte_offset")["line"]
            assert b"\n".join(map(bytes, kept)) == lines[victim], "quarantined byte for byte"
            assert "quarantined" in str(log.health())


def test_a_copy_of_a_segment_is_collected_once(path: Path) -> None:
    """Event ids are the belt to the offsets' braces: somebody may restore a segment that was collected before."""
    segment = filled(path)
    copy = segment.read_bytes()
    with Log.open(path) as log:
        log.collect()
        assert not segment.exists()
        segment.write_bytes(copy)
        log.collect()
        assert decisions(log) == [f"d{number}" for number in range(EVENTS_IN_A_SEGMENT)]


# -- the DuckDB file ------------------------------------------------------------------------------------------------


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("dear diary")


def _sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE diary (page TEXT)")
    connection.close()


def _duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE diary AS SELECT 'dear' AS page")


@pytest.mark.parametrize("make", [_empty, _text, _sqlite, _duckdb])
def test_somebody_elses_file_is_refused_and_left_as_it_is(path: Path, make: object) -> None:
    assert callable(make)
    make(path)
    before = path.read_bytes()
    with pytest.raises(ForeignFile, match="not a bizq_lab log"):
        Log.open(path)
    assert path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == [path], "nothing was put beside it"


def answers(path: Path) -> dict[str, int]:
    with Log.open(path, read_only=True) as log:
        return {kind: len(log.sql(f"SELECT * FROM {kind}")) for kind in EVENTS}  # noqa: S608 - the kinds are ours


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.8, 0.95])
def test_a_truncated_log_answers_whole_or_not_at_all_and_is_left_as_it_is(path: Path, share: float) -> None:
    """DuckDB keeps room at the end of a file, so that a cut may hit nothing."""
    filled(path)
    with Log.open(path) as log:
        log.collect()
    intact = answers(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: round(share * len(whole))])
    before = path.read_bytes()
    try:
        found = answers(path)
    except LogError as error:
        assert str(path) in error.message  # noqa: PT017 - either way is right, and each has its law
    else:
        assert found == intact
        assert share > 0.5, "half a file cannot be whole"
    assert path.read_bytes() == before


def left_over(path: Path, checkpoints: int) -> Path:
    """A log beside whose file lies the write-ahead log of a change that so many checkpoints have written since."""
    filled(path)
    with Log.open(path) as log:
        log.collect()
    wal = path.with_name(f"{path.name}.wal")
    with duckdb.connect(str(path), config={"checkpoint_threshold": "1GB"}) as connection:
        connection.execute("CREATE TABLE more AS SELECT 1 AS n")
        left = wal.read_bytes()
        for _ in range(checkpoints):
            connection.execute("INSERT INTO more VALUES (2)")
            connection.execute("CHECKPOINT")
    wal.write_bytes(left)
    return wal


@pytest.mark.parametrize("collects", [False, True])
def test_what_a_death_leaves_between_a_checkpoint_and_its_end_is_cleared_away(path: Path, *, collects: bool) -> None:
    wal = left_over(path, 1)
    with pytest.raises(duckdb.IOException, match="checkpoint iteration"):
        duckdb.connect(str(path))
    with Log.open(path) as log:
        if collects:
            log.append(make_event("decision", event_id="late"))
        found = set(log.sql("SELECT event_id FROM decision")["event_id"])
        assert len(log.sql("FROM more")) == 2
    assert found == {*(f"e{number}" for number in range(EVENTS_IN_A_SEGMENT)), *(["late"] if collects else [])}
    assert not wal.exists()


def test_a_write_ahead_log_of_another_state_is_refused_and_left_as_it_is(path: Path) -> None:
    wal = left_over(path, 2)
    before = wal.read_bytes(), path.read_bytes()
    with pytest.raises(LogError, match="checkpoint iteration"), Log.open(path) as log:
        log.sql("FROM decision")
    assert (wal.read_bytes(), path.read_bytes()) == before


def test_a_held_file_names_its_holder_and_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    with Log.open(path) as log:
        log.collect()
        with start("hold", path) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            monkeypatch.setattr("bizq_lab.store.access._READ_PATIENCE_S", 0.01)
            with pytest.raises(LogLocked, match=rf"PID {holder.pid}\b") as caught:
                log.query("decisions_of_task", task_id="t")
            assert caught.value.pid == holder.pid
            log.append(make_event("decision", event_id="later", decision_id="later", task_id="t"))
        assert "later" in decisions(log)


def test_while_another_program_holds_the_file_the_snapshot_answers(path: Path) -> None:
    with Log.open(path, snapshot=True) as log:
        log.append(make_event("decision", decision_id="d", task_id="t"))
        log.collect()
        with start("hold", path) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            log.append(make_event("decision", decision_id="later", task_id="t"))
            assert decisions(log) == ["d"]
            assert [caveat.code for caveat in log.last_collection.caveats] == ["not_collected"]
        assert sorted(decisions(log)) == ["d", "later"]


# -- permissions ----------------------------------------------------------------------------------------------------


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user may enter and, but for us, only read; pytest's own are ours alone."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("waiting", [False, True])
def test_a_folder_that_is_only_readable_answers_without_collecting(public_folder: Path, *, waiting: bool) -> None:
    path = public_folder / "lab.duckdb"
    filled(path)
    with Log.open(path) as log:
        log.collect()
    if waiting:
        filled(path, n=EVENTS_IN_A_SEGMENT + 1)
    journal_folder(path).chmod(0o555)
    public_folder.chmod(0o555)
    before = sorted(public_folder.rglob("*"))
    answer, refusal = finish(start("visit", path)).splitlines()
    assert answer == str(EVENTS_IN_A_SEGMENT)
    assert refusal.startswith("JournalWriteError: ")
    assert sorted(public_folder.rglob("*")) == before


# -- hostile text ---------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=[]), max_size=60) | st.sampled_from([*SCRIPTS, *HANDLERS])


def through_parquet(path: Path, column: str) -> list[str]:
    """A column of the attempts, written to Parquet and read back."""
    file = path.with_suffix(".parquet")
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute(f"COPY (FROM attempt ORDER BY event_id) TO '{file}'")
        return [text for (text,) in connection.execute(f"SELECT {column} FROM '{file}'").fetchall()]  # noqa: S608 - ours


@given(st.lists(TEXT, min_size=1, max_size=40))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_text_comes_back_as_it_went_in_but_for_lone_surrogates(tmp_path: Path, texts: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder, Log.open(Path(folder) / "lab.duckdb") as log:
        for number, text in enumerate(texts):
            values = {"output": text, "error_message": text, "flags": [text], "checks": {text: [text]}}
            log.append(make_event("attempt", event_id=f"{number:03}", **values))
        frame = log.sql("SELECT output, error_message, flags[1] AS flag, checks FROM attempt ORDER BY event_id")
        sound = [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]
        assert list(frame["output"]) == list(frame["error_message"]) == list(frame["flag"]) == sound
        assert through_parquet(log.path, "output") == sound
        assert log.health().quarantined == 0
