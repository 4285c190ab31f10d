"""An import that died half-way is finished by running it again: every row once, nothing quarantined."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.core.events import Event
from bizq_lab.errors import LogLocked
from bizq_lab.lab.imports import formats
from bizq_lab.store import claim
from tests.support.imports import counts, open_lab, spend, write_lines

ROWS = 9
WHOLE = {"decision": ROWS, "attempt": ROWS, "outcome": ROWS, "quarantine": 0}


def import_and_die(folder: Path, after: int) -> int:
    """Import in a child that kills itself (`kill -9`) once it has written so many events; how it ended."""
    child = os.fork()
    if child == 0:
        lab = open_lab(folder / "lab.duckdb")
        append, written = lab.log.append, [0]

        def deadly(event: Event) -> None:
            append(event)
            written[0] += 1
            if written[0] == after:
                os.kill(os.getpid(), signal.SIGKILL)

        lab.log.append = deadly  # type: ignore[method-assign]  # the seam where a process may die
        try:
            lab.import_log(folder / "s.jsonl", format="litellm", task_type="t")
        finally:
            os._exit(3)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("after", [1, 2, 3, 14, 3 * ROWS])
def test_a_killed_import_is_finished_by_running_it_again(
    tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "BATCH_ROWS", 4)
    write_lines(tmp_path / "s.jsonl", [spend(n) for n in range(ROWS)])
    assert import_and_die(tmp_path, after) == -signal.SIGKILL
    with open_lab(tmp_path / "lab.duckdb") as lab:
        report = lab.import_log(tmp_path / "s.jsonl", format="litellm", task_type="t")
        assert (report.imported, report.already_there) == (ROWS - after // 3, after // 3)
        assert counts(lab) == WHOLE
        assert lab.import_log(tmp_path / "s.jsonl", format="litellm", task_type="t").already_there == ROWS
        assert counts(lab) == WHOLE


def test_a_torn_file_leaves_what_was_read_and_the_whole_one_adds_the_rest(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(formats, "BATCH_ROWS", 4)
    rows = [spend(n) for n in range(ROWS)]
    with open_lab(tmp_path / "lab.duckdb") as lab:
        torn = write_lines(tmp_path / "torn.jsonl", [*rows[:5], '{"request_id": "chatc'])
        assert lab.import_log(torn, format="litellm", task_type="t").refused == 1
        lab.import_log(write_lines(tmp_path / "s.jsonl", rows), format="litellm", task_type="t")
        assert counts(lab) == WHOLE


def test_two_imports_at_once_are_refused(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "s.jsonl", [spend()])
    with (
        open_lab(tmp_path / "lab.duckdb") as lab,
        claim(lab.log.path, "import"),
        pytest.raises(LogLocked, match="import is under way"),
    ):
        lab.import_log(file, format="litellm", task_type="t")
