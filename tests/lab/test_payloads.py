"""A log that must not keep what was asked and answered keeps none of it, in no file, in no column."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from pydantic import JsonValue

from bizq_lab.core.ids import digest
from bizq_lab.core.task import RoutingContext, Task, UserFeedback
from bizq_lab.store import Log
from tests.support.imports import spend, write_lines
from tests.support.lab_bulk import POST, WHERE, Watched, bulk_lab
from tests.support.lab_providers import Scripted, refuse
from tests.support.lab_small import DAY, OTHER, contents, rows, small_lab, tasks_of
from tests.support.oblivion import holding

CANARY = "zq81canary"
TYPES = ("customer.process_return", "content.write_product_description", "customer.answer_inquiry")
SILENT: tuple[Literal["hash", "none"], ...] = ("hash", "none")


def marked(value: JsonValue) -> JsonValue:
    """The same with a canary in every text."""
    if isinstance(value, str):
        return f"{CANARY} {value}"
    if isinstance(value, list):
        return [marked(item) for item in value]
    if isinstance(value, dict):
        return {name: marked(item) for name, item in value.items()}
    return value


def sung(folder: Path, *, payloads: Literal["full", "hash", "none"], refused: bool) -> list[str]:
    """Where the canary is found after tasks were run whose input, expectation and output all hold it."""
    provider = Scripted(refuse if refused else lambda call: f"{CANARY} [your name] {call.prompt}")
    providers = dict.fromkeys(("openai", "anthropic", "local"), provider)
    with small_lab(folder, payloads=payloads, providers=providers) as lab:
        for name in TYPES:
            for task in tasks_of(name, 2):
                made = {part: marked(getattr(task, part)) for part in ("input", "expected")}
                lab.run(Task.model_validate({"type": name, **made}), RoutingContext(workspace_id="ws"))
        lab.log.collect()
    files = [path for path in folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    found = [
        f"{name}: {cell!r:.200}"
        for name, table in contents(folder / "lab.duckdb").items()
        for row in table
        for cell in row
        if CANARY in str(cell)
    ]
    assert provider.calls > 0
    return [*map(str, files), *found]


@pytest.mark.parametrize("payloads", SILENT)
@pytest.mark.parametrize("refused", [False, True], ids=["answered", "refused"])
def test_nothing_of_input_expectation_or_output_is_kept(
    tmp_path: Path, payloads: Literal["hash", "none"], *, refused: bool
) -> None:
    """Not in the journal, not in DuckDB's bytes, not in what a check or a refusing provider quotes."""
    assert sung(tmp_path, payloads=payloads, refused=refused) == []


@pytest.mark.parametrize("refused", [False, True], ids=["answered", "refused"])
def test_full_payloads_keep_what_was_asked(tmp_path: Path, *, refused: bool) -> None:
    """Else the test above could not fail."""
    assert any(
        "task_input" in entry or "decision" in entry for entry in sung(tmp_path, payloads="full", refused=refused)
    )


def travelled(folder: Path, payloads: Literal["full", "hash", "none"]) -> set[str]:
    """Top-level names where the canary is found after a log went everywhere that a log can go."""
    provider = Watched(lambda call: refuse(call) if "broken" in call.prompt else f"{CANARY} {call.prompt}")
    with bulk_lab(folder, provider, payloads=payloads) as lab:
        tasks = [Task(type=OTHER, input={**POST, "news": f"{CANARY} {word}"}) for word in ("fine", "broken", "good")]
        lab.run_many(tasks, WHERE, retry_failed=False)
        waiting = [row.human_task_id for row in lab.humans().rows]
        lab.claim_task(waiting[0], worker="ann")
        lab.resolve_task(waiting[0], minutes_spent=3, succeeded=True, resolution=f"{CANARY} done")
        lab.give_feedback(lab.run(tasks[0], WHERE), UserFeedback(rating=2.0, feedback=f"{CANARY} is wrong"))
        asked = {"messages": [{"role": "user", "content": CANARY}], "status": "failure", "metadata": {
            "error_information": {"error_class": "Timeout", "error_message": f"{CANARY} is too long"}}}  # fmt: skip
        said = {"messages": [{"role": "user", "content": CANARY}],
                "response": {"choices": [{"message": {"content": f"{CANARY} indeed"}}]}}  # fmt: skip
        with TemporaryDirectory() as elsewhere:  # what is imported is somebody else's file
            spent = [spend(1, **said), spend(2, **asked)]
            lab.import_log(write_lines(Path(elsewhere) / "s.jsonl", spent), format="litellm", task_type=OTHER)
        lab.log.archive(before=DAY + timedelta(days=1))
        lab.run_many(tasks, WHERE)
        with Log.open(lab.log.path, snapshot=True) as other:
            other.collect()
        lab.run(tasks[0], WHERE)
        lab.export_log(folder / "out")
    return {name.partition("/")[0] for name in holding(folder, (CANARY,))}


@pytest.mark.parametrize("payloads", SILENT)
def test_the_policy_holds_in_bulk_runs_imports_the_human_queue_archives_copies_and_exports(
    tmp_path: Path, payloads: Literal["hash", "none"]
) -> None:
    assert travelled(tmp_path, payloads) == set()


def test_full_payloads_go_wherever_the_log_goes(tmp_path: Path) -> None:
    """Else the test above could not fail."""
    log = "lab.duckdb"
    assert travelled(tmp_path, "full") == {log, f"{log}.archive", f"{log}.journal", f"{log}.snapshot", "out"}
    words = rows(tmp_path / log, "SELECT count(*) AS n FROM attempt WHERE output IS NOT NULL")
    assert words[0]["n"] > 0


def test_hashes_tell_equal_payloads_apart_from_others(tmp_path: Path) -> None:
    first, second = tasks_of(n=2)
    provider = Scripted(lambda call: call.prompt[:40])
    providers = dict.fromkeys(("openai", "anthropic", "local"), provider)
    with small_lab(tmp_path, payloads="hash", providers=providers) as lab:
        for task in (first, second, first):
            lab.run(task, RoutingContext(workspace_id="ws"))
        lab.log.collect()
    found = rows(tmp_path / "lab.duckdb", "SELECT task_id, task_input->>'sha256' AS sha FROM decision ORDER BY ALL")
    hashes = {row["task_id"]: row["sha"] for row in found}
    assert len(found) == 3
    assert hashes[first.id] != hashes[second.id]
    assert hashes[first.id] == digest(first.model_dump_json(include={"input"}))
    outputs = rows(tmp_path / "lab.duckdb", "SELECT DISTINCT output, length(output_sha256) AS n FROM attempt")
    assert outputs == [{"output": None, "n": 64}]
