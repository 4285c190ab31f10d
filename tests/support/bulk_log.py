"""A log filled at once, by plain duckdb, as collecting would have left it: for long studies. Asserts nothing."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

from bizq_lab.core.events import ConfigEvent
from bizq_lab.store import Log

START_US = 1_793_491_200_000_000  # 2026-11-01, UTC


def fill(path: Path, outcomes: pd.DataFrame) -> None:
    """Make a log of randomised decisions: `task_outcome` alone, which is all that sums are read from.

    Args:
        path: The DuckDB file to make.
        outcomes: Columns task_type, arm, model, number, propensity, succeeded, failed, quality, cost_nano_usd, seconds,
            input_tokens, output_tokens.
    """
    with Log.open(path) as log:
        log.append(
            ConfigEvent(
                event_id="evt_first", recorded_at_us=START_US, config_hash="", parent_hash="", action="published",
                purpose="offline", author="test", override="", document=None,
            )
        )  # fmt: skip
        log.collect()
    frame = pd.DataFrame(
        {
            "decision_id": [f"d{i}" for i in range(len(outcomes))],
            "task_key": outcomes["task_type"] + "/" + outcomes["number"].astype(str),
            "task_type": outcomes["task_type"],
            "workspace_id": "ws",
            "segment": "",
            "arm": outcomes["arm"],
            "model": outcomes["model"],
            "policy": "weights",
            "design": "randomised",
            "experiment": "",
            "stage": "",
            "repeat": 0,
            "propensity_ppb": (outcomes["propensity"] * 1e9).round().astype("int64"),
            "config_hash": "c0",
            "catalog_version": "v0",
            "prompt_version": "p0",
            "origin": "test",
            "decided_at_us": START_US + 1_000_000 * outcomes["number"],
            "status": outcomes["failed"].map({True: "escalated", False: "completed"}),
            "succeeded": outcomes["succeeded"],
            "served_model": outcomes["model"],
            "attempts": 1,
            "failed_over": False,
            "timed_out": False,
            "error_type": "",
            "response_time_us": (outcomes["seconds"] * 1e6).round().astype("int64"),
            "input_tokens": outcomes["input_tokens"],
            "output_tokens": outcomes["output_tokens"],
            "cost_nano_usd": outcomes["cost_nano_usd"],
            "quality_ppm": (outcomes["quality"] * 1e6).round().astype("int64"),
            "quality_source": "checks",
            "ratings": 0,
        }
    )
    frame["unit"] = frame["task_key"]
    with duckdb.connect(str(path)) as connection:
        connection.register("frame", frame)
        connection.execute("INSERT INTO task_outcome BY NAME SELECT * FROM frame")
