"""Logs of other gateways in miniature, and a lab to import them into. Asserts nothing."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bizq_lab.lab import Lab

NOW_US = 1_795_000_000_000_000  # November 2026
KEY_HASH = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"


class Stopped:
    """A clock that stands."""

    def now_us(self) -> int:
        """UTC microseconds since the epoch."""
        return NOW_US

    def monotonic(self) -> float:
        """Seconds."""
        return 0.0


def open_lab(path: Path, **options: Any) -> Lab:
    """A lab at `NOW_US` without providers."""
    return Lab.open(path, providers={}, clock=Stopped(), **options)  # type: ignore[arg-type]  # nothing sleeps here


def spend(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One row of LiteLLM's spend log."""
    row = {
        "request_id": f"chatcmpl-{number}", "call_type": "acompletion", "api_key": KEY_HASH, "spend": 0.000123456,
        "total_tokens": 150, "prompt_tokens": 100, "completion_tokens": 50, "startTime": "2026-11-01T10:00:00.000Z",
        "endTime": "2026-11-01T10:00:02.500Z", "completionStartTime": "2026-11-01T10:00:00.400Z",
        "model": "gpt-6-luna", "custom_llm_provider": "openai", "api_base": "https://api.example", "user": "u1",
        "metadata": {"user_api_key": KEY_HASH, "user_api_key_alias": "prod", "status": "success"}, "cache_hit": "False",
        "cache_key": "Cache OFF", "request_tags": [], "team_id": "team_a", "end_user": "", "status": "success",
        "requester_ip_address": "10.0.0.7", "messages": [{"role": "user", "content": "Where is my order?"}],
        "response": {"choices": [{"message": {"content": "On its way."}}]},
    }  # fmt: skip
    return row | changes


def write_lines(path: Path, rows: Iterable[Mapping[str, Any] | str]) -> Path:
    """One JSON object a line; text as it is."""
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """CSV with a header, as a database exports it: objects as JSON text."""
    cells = [
        {name: json.dumps(v) if isinstance(v, dict | list) else "" if v is None else v for name, v in row.items()}
        for row in rows
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(cells[0]))
        writer.writeheader()
        writer.writerows(cells)
    return path


def table(lab: Lab, sql: str) -> list[dict[str, Any]]:
    """What the log says."""
    found: list[dict[str, Any]] = lab.sql(sql).astype(object).to_dict("records")  # type: ignore[assignment]
    return found


def counts(lab: Lab) -> dict[str, int]:
    """How many rows the tables have that an import writes, and the one for lines that were no sound events."""
    (found,) = table(
        lab,
        """SELECT (SELECT count(*) FROM decision) AS decision, (SELECT count(*) FROM attempt) AS attempt,
                  (SELECT count(*) FROM outcome) AS outcome, (SELECT count(*) FROM quarantine) AS quarantine""",
    )
    return found
