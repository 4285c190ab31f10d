"""Six processes use one log at the same time, without an error, and in the end the counts agree.

Half a minute of users who rest between what they do; `make soak` is five minutes of users who never do. Real processes
and real time: this is about what happens between them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from bizq_lab.store import Log, journal_folder
from tests.support.store_processes import ROOT, finish, start

SOAK_S = float(os.environ.get("BIZQ_LAB_SOAK_S", "30"))
REST_S = "0.001" if "BIZQ_LAB_SOAK_S" in os.environ else "0.5"


def test_two_kernels_two_workers_a_report_and_a_collector_agree_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "lab.duckdb"
    with Log.open(path) as log:
        log.collect()
    command = [sys.executable, "-m", "bizq_lab", "collect", "--log", str(path), "--watch", "--interval", "0.2"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as collector:
        users = {
            name: start(name.rstrip("12"), path, REST_S) for name in ("kernel1", "kernel2", "work1", "work2", "report")
        }
        time.sleep(SOAK_S)
        counts = {name: int(finish(program)) for name, program in users.items()}
        collector.terminate()
        said, complaints = collector.communicate(timeout=60)
    assert collector.returncode == 0, complaints
    assert "events" in said
    assert min(counts.values()) > 0, counts
    with Log.open(path) as log:
        log.collect()
        written = {
            kind: int(log.sql(f"SELECT count(*) AS n FROM {kind}")["n"][0])  # noqa: S608 - ours
            for kind in ("decision", "attempt_started", "attempt", "outcome", "feedback")
        }
        outcomes = int(log.sql("SELECT count(*) AS n FROM task_outcome WHERE status <> 'pending'")["n"][0])
        health = log.health()
    worked = counts["work1"] + counts["work2"]
    assert sum(written.values()) == worked + counts["kernel1"] + counts["kernel2"]
    assert written["decision"] == written["outcome"] == outcomes == worked // 5
    assert (health.quarantined, health.unknown_attempts, health.waiting_bytes) == (0, 0, 0)
    assert list(journal_folder(path).glob("*.jsonl")) == []
    sys.stdout.write(f"{SOAK_S:g} s: {counts}, in the log {written}\n")
