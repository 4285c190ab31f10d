"""`bizq-lab report`: one file or a folder, the same bytes for the same day, exit codes for schedulers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bizq_lab.config import save_config
from bizq_lab.core.events import AlertEvent
from bizq_lab.store import Log
from tests.support.lab_cli import Cli
from tests.support.lab_small import TYPE, start

AS_OF = ("--as-of", "2026-11-01")
NOON_US = 1_793_491_200_000_000 + 12 * 3_600_000_000


def test_a_report_is_one_file_of_its_day(cli: Cli, demo: Path, tmp_path: Path) -> None:
    said = cli("report", "summary", "--log", demo / "lab.duckdb", "--out", "day.html", *AS_OF, "--json")
    assert said.document == {"alerts": 0, "as_of": "2026-11-01", "reports": ["day.html"]}
    html = (tmp_path / "day.html").read_text(encoding="utf-8")
    assert "2026-11-01" in html
    assert "<script" not in html


@pytest.mark.parametrize("kind", ["daily", "weekly", "experiment", "summary"])
def test_every_kind_is_filed_in_a_folder(cli: Cli, demo: Path, tmp_path: Path, kind: str) -> None:
    said = cli("report", kind, "--log", demo / "lab.duckdb", "--out", "reports", *AS_OF, "--form", "markdown,json")
    assert said.code == 0, said.err
    name = "experiment-latest" if kind == "experiment" else kind
    assert said.out.split() == [f"reports/{name}-2026-11-01.md", f"reports/{name}-2026-11-01.json"]
    assert {path.name for path in (tmp_path / "reports").iterdir()} >= {"manifest.json", "index.html"}


def test_an_alert_in_the_period_exits_3_after_the_report_is_written(cli: Cli, demo: Path, tmp_path: Path) -> None:
    with Log.open(demo / "lab.duckdb") as log:
        log.append(
            AlertEvent(
                event_id="alert_1", recorded_at_us=NOON_US, alert_type="success_rate_drop", task_type="t", model="m",
                metric="success", current_value=0.5, baseline_value=0.9, threshold=0.81, n_current=50, n_baseline=500,
                p_value=0.001, message="success of m at t fell",
            )
        )  # fmt: skip
    said = cli("report", "daily", "--log", demo / "lab.duckdb", "--out", "day.html", *AS_OF, "--json")
    assert (said.code, said.document["alerts"]) == (3, 1)
    assert "1 alert was raised." in (tmp_path / "day.html").read_text(encoding="utf-8")


def test_a_day_without_a_task_exits_4_and_writes_nothing(cli: Cli, demo: Path, tmp_path: Path) -> None:
    said = cli("report", "daily", "--log", demo / "lab.duckdb", "--out", "reports", "--as-of", "2020-01-01")
    assert said.code == 4
    assert not (tmp_path / "reports").exists()


def test_a_rollout_that_was_taken_back_exits_3_after_its_report_is_written(cli: Cli, tmp_path: Path) -> None:
    routing = save_config(start({"plain": 100}), tmp_path / "routing.json")
    cli("rollout", "start", routing, "--task-type", TYPE, "--arm", "luna", "--override", "a test")
    (listed,) = cli("rollout", "list", "--json").document["rows"]
    assert listed["status"] == "ramping"
    cli("rollout", "rollback", routing, "--reason", "complaints")
    said = cli("report", "rollout", listed["rollout"], "--out", "reports", "--as-of", "2100-01-01", "--form", "all")
    assert said.code == 3, said.err
    assert [Path(name).suffix for name in said.out.split()] == [".html", ".md", ".json", ".eml"]
    assert cli("report", "rollout", "nobody").code == 2


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--form", "pdf"), "pdf"),
        (("--out", "x.html", "--form", "json"), "x.html"),
        (("--as-of", "yesterday"), "yesterday"),
    ],
)
def test_a_wrong_option_is_one_clear_error(cli: Cli, demo: Path, words: tuple[str, ...], named: str) -> None:
    said = cli("report", "daily", "--log", demo / "lab.duckdb", *words)
    assert said.code == 2
    assert named in said.err
