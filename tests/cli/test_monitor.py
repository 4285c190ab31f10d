"""`bizq-lab monitor|alerts|recommend|performance --by-day`: as a scheduler and a person see them."""

from __future__ import annotations

import json
import time
from pathlib import Path

from bizq_lab.store import Log
from tests.support.analysis_log import TASK_TYPE, Stream
from tests.support.lab_cli import Cli

DAY_US = 86_400_000_000


def write(path: Path, *, slow: float) -> None:
    """Three weeks of one model, then a day of other speed; until now, for commands read the clock."""
    today_us = time.time_ns() // 1000 // DAY_US * DAY_US
    with Log.open(path) as log:
        stream = Stream(log)
        for day in range(21):
            for number in range(8 if day else 40):
                # Day 0 lies within the last 24 hours whatever the hour is; the others wholly before them.
                at_us = today_us - (day + 1) * DAY_US + number if day else today_us - 1_000_000 + number
                stream.run(
                    arm="default", task=f"{day}-{number}", succeeded=True,
                    latency_s=(1.0 if day else slow) * (1 + number % 8 / 20),
                    decide={"recorded_at_us": at_us, "model": "openai/m", "design": "observational"},
                )  # fmt: skip
        log.collect()


def test_alerts_exit_3_once_log_what_they_raise_and_go_on_to_the_channels(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path / "lab.duckdb", slow=3.0)
    dry = cli("alerts", "--log", "lab.duckdb", "--dry-run", "--json")
    assert (dry.code, dry.document["raised"]) == (3, 1)
    first = cli("alerts", "--log", "lab.duckdb")
    assert first.code == 3
    assert "performance_degradation" in first.out
    again = cli("alerts", "--log", "lab.duckdb", "--json")
    assert (again.code, again.document["raised"]) == (0, 0)
    assert {"alerts", "drift", "served_models", "rows", "summary"} <= set(again.document)
    assert [row["status"] for row in again.document["rows"]] == ["known"]


def test_a_quiet_log_exits_0(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path / "lab.duckdb", slow=1.0)
    said = cli("alerts", "--log", "lab.duckdb")
    assert said.code == 0
    assert "No alerts were raised." in said.out


def test_health_and_recommendation_come_as_text_and_as_json(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path / "lab.duckdb", slow=2.0)
    health = cli("monitor", "--log", "lab.duckdb", "--json")
    [row] = health.document["rows"]
    assert (health.code, row["model"]) == (0, "openai/m")
    assert 40 < row["health"] < 60
    days = cli("monitor", "--days", "3", "--log", "lab.duckdb", "--json").document["rows"]
    assert (days[-1]["model"], len({day["day"] for day in days})) == ("openai/m", len(days))
    said = cli("recommend", "-t", TASK_TYPE, "--log", "lab.duckdb", "--json")
    assert (said.code, said.document["recommended_model"]) == (0, "openai/m")
    assert said.document["confidence"] is None
    assert said.document["alternative_models"] == []
    text = cli("recommend", "-t", TASK_TYPE, "--log", "lab.duckdb")
    assert f"For {TASK_TYPE} use openai/m" in text.out
    assert json.dumps(said.document)


def test_performance_can_be_told_apart_by_day_and_workspace(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path / "lab.duckdb", slow=1.0)
    by_day = cli("performance", "--log", "lab.duckdb", "--by-day", "--by-workspace", "--json")
    assert len({row["slice"] for row in by_day.document["rows"]}) == 21
    assert all(row["slice"].startswith("ws ") for row in by_day.document["rows"])
    assert cli("performance", "--log", "lab.duckdb", "--workspace", "nobody").code == 4


def test_what_is_missing_or_wrong_has_its_own_exit_code(cli: Cli, tmp_path: Path) -> None:
    for command in (("alerts",), ("monitor",), ("recommend", "-t", "x")):
        assert cli(*command, "--log", "none.duckdb").code == 4
    write(tmp_path / "lab.duckdb", slow=1.0)
    assert cli("alerts", "--log", "lab.duckdb", "--alpha", "2").code == 2
    assert cli("recommend", "-t", "nothing.of_this", "--log", "lab.duckdb").code == 4
