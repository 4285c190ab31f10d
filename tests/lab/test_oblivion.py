"""A workspace that is forgotten is gone from every byte and never comes back, and nobody else notices.

`BIZQ_LAB_FULL=1` (`make forget`) kills a run at every named point, the suite at one in three; and it forgets in an
archive elsewhere too, which the suite does in store/test_forget.py, with less.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bizq_lab.core.task import UserFeedback
from bizq_lab.errors import InputError, LogError
from bizq_lab.execution import BudgetLedger
from bizq_lab.lab.budgets import ledger_path
from bizq_lab.store import Log, journal_folder
from tests.support.crash_processes import Job, Nursery
from tests.support.oblivion import LION, WORDS, ZEBRA, furnish, holding, live, open_lab, post, tables

LOG = "lab.duckdb"
FULL = os.environ.get("BIZQ_LAB_FULL") == "1"
PLACES = [None, "memory://forget-test"] if FULL else [None]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A furnished log; only to be copied."""
    folder = tmp_path_factory.mktemp("furnished")
    furnish(folder)
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A furnished log of one's own."""
    return Path(shutil.copytree(template, tmp_path / "log"))


def test_the_workspace_is_in_every_place_before(folder: Path) -> None:
    """Else the tests below could not fail."""
    held = holding(folder)
    places = {name.partition("/")[0] for name in held}
    assert places == {
        LOG, f"{LOG}.archive", f"{LOG}.snapshot", f"{LOG}.v1.backup", f"{LOG}.cache.sqlite", f"{LOG}.ledger.sqlite",
    }  # fmt: skip
    assert {word for words in held.values() for word in words} == set(WORDS)


@pytest.mark.parametrize("url", PLACES)
def test_no_byte_and_no_row_of_it_stays_and_every_other_row_is_the_same(
    tmp_path: Path, folder: Path, url: str | None
) -> None:
    if url is not None:
        folder = tmp_path / "remote"
        furnish(folder, url=url)
    with open_lab(folder, seed=3) as lab:
        live(lab, ZEBRA)  # waits in the journal, in the segment of a process that lives
        before, theirs = tables(lab.log, of="lion_inc"), tables(lab.log, of="zebra_inc")
        planned = lab.forget("zebra_inc", dry_run=True)
        assert "zebra_inc" in str(holding(folder)), "a dry run only counts"
        done = lab.forget("zebra_inc")
        assert holding(folder) == {}
        assert tables(lab.log) == before
        assert {row.place: row.found for row in done.rows} == {row.place: row.found for row in planned.rows}
        counted = {row.place: row.found for row in done.rows}
        assert {table: counted[table] for table in before} == {table: len(rows) for table, rows in theirs.items()}
        assert counted["cached answers"] == 1
        assert (done.traces, done.done, planned.done) == ((), True, False)
        assert lab.forget("zebra_inc", dry_run=True).removed == 0
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_what_arrives_later_is_dropped_and_its_bytes_go_with_it(tmp_path: Path) -> None:
    with open_lab(tmp_path) as writer, open_lab(tmp_path, seed=1) as lab:
        known = writer.run(post("zebrainput"), ZEBRA)
        lion = writer.run(post("lioninput"), LION)
        lab.forget("zebra_inc")
        writer.give_feedback(known, UserFeedback(rating=1.0, feedback="zebracomment"))  # of a decision that is gone
        writer.run(post("zebrainput again"), ZEBRA)
        writer.give_feedback(lion, UserFeedback(rating=4.0, feedback="lioncomment"))
        assert holding(tmp_path / f"{LOG}.journal", ("zebrainput", "zebracomment")) != {}
        report = lab.log.collect()
        assert report.forgotten >= 5
        assert report.quarantined == 0
        assert [caveat.code for caveat in report.caveats] == ["forgotten_events"]
        assert holding(tmp_path / f"{LOG}.journal") == {}, "although the writer lives"
        after = lab.log.sql("SELECT workspace_id, ratings FROM task_outcome").values.tolist()
        assert after == [["lion_inc", 1]]
        assert tables(lab.log) == tables(lab.log, of="lion_inc")
        assert lab.log.health().outcomes_missing == 0
    assert list(journal_folder(tmp_path / LOG).glob("*.jsonl")) != []
    with Log.open(tmp_path / LOG) as log:
        log.collect()
        assert list(journal_folder(log.path).glob("*.jsonl")) == []
        assert len(log.sql("FROM quarantine")) == 0


def test_others_go_on_with_their_budget_and_what_it_spent_stays_spent(folder: Path) -> None:
    path = ledger_path(folder / LOG)
    with open_lab(folder, seed=3) as lab:
        assert lab.ledger is not None
        spent = lab.ledger.booked(), lab.ledger.booked("lion_inc")
        lab.ledger.reserve(workspace_id="zebra_inc", attempt_id="under way", nano_usd=7)
        lab.forget("zebra_inc")
        assert lab.ledger.booked("zebra_inc").nano_usd == 0
        assert lab.ledger.booked("lion_inc") == spent[1]
        assert lab.ledger.booked().nano_usd == spent[0].nano_usd + 7, "a call under way stays booked"
        lab.ledger.settle("under way", 3)
        assert lab.ledger.booked().nano_usd == spent[0].nano_usd + 3
    with open_lab(folder, seed=4) as lab:  # reconciles with a log that no longer knows the calls
        assert lab.ledger is not None
        assert lab.ledger.booked().nano_usd == spent[0].nano_usd + 3
    other = BudgetLedger(path)
    assert other.calls_of("zebra_inc") == 0
    other.close()


def test_a_workspace_that_is_not_there_is_named_and_nothing_happens(folder: Path) -> None:
    before = holding(folder)
    with open_lab(folder, seed=3) as lab:
        for name in ("lion", "zebra_in", "", "*"):
            with pytest.raises(InputError, match="has nothing of a workspace"):
                lab.forget(name)
        with pytest.raises(InputError, match="did you mean 'zebra_inc'"):
            lab.forget("zebra_inc2")
    assert holding(folder) == before


def test_the_search_finds_copies_that_others_made_and_knows_others_words(folder: Path) -> None:
    with open_lab(folder, seed=3) as lab:
        lab.run(post("zebra_inc is a customer of ours"), LION)
        done = lab.forget("zebra_inc")
        assert done.traces == (), "a row of somebody else says the name"
        live(lab, LION)
        (folder / f"{LOG}.old.csv").write_text("decision_id,zebrainput zebracheck\n")
    with open_lab(folder, seed=4) as lab:
        lab.run(post("lioninput"), LION)
        with Log.open(folder / LOG) as log:
            texts = ["zebrainput zebracheck"]
            assert [file.name for file in log.traces("zebra_inc", texts)] == [f"{LOG}.old.csv"]


def test_a_log_that_is_only_read_forgets_nothing(folder: Path) -> None:
    with Log.open(folder / LOG, read_only=True) as log, pytest.raises(LogError, match="read-only"):
        log.forget("zebra_inc")


# In the order in which a run comes by: each run is killed one point later than the one before it.
POINTS = [
    "store.forget.lay_tombstone after",
    "store.archive_rewrite.note before",
    "store.archive_rewrite.finish before",
    "store.shelf.Shelf.remove before",
    "store.rewrite.refresh_snapshot before",
    "store.forget.blank_segments before",
    "store.forget._rewrite_backup before",
    "store.forget._rewrite_backup after",
    "execution.cache.ResponseCache.remove before",
    "execution.ledger.BudgetLedger.forget before",
    "execution.ledger.BudgetLedger.forget after",
]
# Before each new file takes an old one's name: snapshot, manifest, an empty log, the log, the snapshot again, a backup.
SWAPS = [f"swap {number} before" for number in range(1, 7)]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as started:
        yield started


@pytest.mark.parametrize("points", [POINTS, SWAPS], ids=["points", "swaps"])
def test_a_kill_anywhere_leaves_a_log_that_answers_and_that_the_next_run_finishes(
    folder: Path, nursery: Nursery, points: list[str]
) -> None:
    everyone = "SELECT * FROM task_outcome WHERE workspace_id = 'lion_inc' ORDER BY decision_id"
    with Log.open(folder / LOG) as log:
        before = log.sql(everyone)
        for point in points if FULL else points[::3]:
            assert nursery.run(Job("forget", str(folder), point, 1)) == -signal.SIGKILL, point
            assert log.sql(everyone).equals(before), point
    with open_lab(folder, seed=3) as lab:
        assert lab.forget("zebra_inc").traces == ()
        assert lab.log.sql(everyone).equals(before)
    assert holding(folder) == {}
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
