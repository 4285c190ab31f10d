"""A log in which two workspaces left something in every place, and what is left of each. Asserts nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from bizq_lab.core.execution import ProviderCall
from bizq_lab.core.task import RoutingContext, Task, UserFeedback
from bizq_lab.errors import ProviderError
from bizq_lab.execution import Cap
from bizq_lab.lab import Lab
from bizq_lab.store import Log
from tests.support.lab_bulk import Watched, bulk_lab
from tests.support.lab_small import OTHER

ZEBRA, LION = RoutingContext(workspace_id="zebra_inc"), RoutingContext(workspace_id="lion_inc")
FIRST_DAY, NEXT_DAY = date(2026, 11, 1), date(2026, 11, 2)
# Each word lies in another place: name, input, output, error, check, comment, conclusion.
WORDS = ("zebra_inc", "zebrainput", "zebraoutput", "zebraerror", "zebracheck", "zebracomment", "zebradone")
WHOSE = ("decision", "attempt_started", "attempt", "outcome", "feedback", "human_task", "evaluation", "task_outcome")


def speak(call: ProviderCall) -> str:
    animal = "zebra" if "zebra" in call.prompt else "lion"
    if "broken" in call.prompt:
        raise ProviderError(f"{animal}error", error_class="bad_request", status=400)
    return f"{animal}output"


def open_lab(folder: Path, *, seed: int = 0) -> Lab:
    """A lab with a cache and a ledger; a higher seed lives later."""
    return bulk_lab(folder, Watched(speak), seed=seed, cache=True, budgets={"*": Cap(usd=50, period="total")})


def post(news: str, **expected: Any) -> Task:
    return Task(type=OTHER, input={"news": news, "hashtag": "#x", "max_characters": 90}, expected=expected)


def live(lab: Lab, where: RoutingContext) -> None:
    """A day of a workspace: every word of it in its place."""
    animal = where.workspace_id.partition("_")[0]
    result = lab.run(post(f"{animal}input"), where)
    lab.give_feedback(result, UserFeedback(rating=4.0, feedback=f"{animal}comment"))
    lab.run(post(f"{animal}input {animal}check", mentions=[f"{animal}check"]), where)
    lab.run(post(f"{animal}input broken"), where)
    waiting = [row for row in lab.humans().rows if row.workspace_id == where.workspace_id and row.status == "open"]
    task = waiting[0].human_task_id
    lab.resolve_task(task, minutes_spent=3, succeeded=True, resolution=f"{animal}done")


def furnish(folder: Path, *, url: str | None = None) -> None:
    """Two workspaces, a day in the archive and one in the file, a snapshot, a backup, a cache, a ledger."""
    folder.mkdir(exist_ok=True)
    for seed in (0, 1):
        with open_lab(folder, seed=seed) as lab:
            lab.clock.advance(90_000.0 * seed)  # type: ignore[attr-defined] # it is a SeededClock
            for where in (ZEBRA, LION):
                live(lab, where)
            lab.log.collect()
            if seed == 0:
                lab.log.archive(before=NEXT_DAY, url=url)
    path = folder / "lab.duckdb"
    path.with_name("lab.duckdb.v1.backup").write_bytes(path.read_bytes())
    with Log.open(path, snapshot=True) as log:
        # A rating of nobody's decision, so that there is something to collect and the snapshot is made.
        with open_lab(folder, seed=2) as lab:
            lab.run(post("lioninput late"), LION)
        log.collect()


def files(folder: Path) -> list[Path]:
    """Every file below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def holding(folder: Path, words: tuple[str, ...] = WORDS) -> dict[str, list[str]]:
    """By file, the words that it holds: in its bytes, or in the rows that plain DuckDB reads from it."""
    found = {}
    for file in files(folder):
        said = file.read_bytes()
        if file.suffix == ".parquet" or said[8:12] == b"DUCK":
            said += _rows(file).encode()
        held = [word for word in words if word.encode() in said]
        if held:
            found[str(file.relative_to(folder))] = held
    return found


def _rows(file: Path) -> str:
    if file.suffix == ".parquet":
        return str(duckdb.read_parquet(str(file)).fetchall())
    with duckdb.connect(str(file), read_only=True) as connection:
        names = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        return str([connection.execute(f'FROM "{name}"').fetchall() for (name,) in names])


def tables(log: Log, *, of: str | None = None) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every row of each table, archived ones included; of one workspace's decisions alone where `of` names it."""
    with tempfile.TemporaryDirectory() as folder:
        log.export(Path(folder))
        found = {table: duckdb.read_parquet(f"{folder}/{table}.parquet") for table in WHOSE}
        theirs = found["decision"].filter(f"workspace_id = '{of}'").project("decision_id").fetchall()
        return {
            table: sorted(
                (row for row in rows.fetchall() if of is None or (row[rows.columns.index("decision_id")],) in theirs),
                key=str,
            )
            for table, rows in found.items()
        }
