"""LiteLLM's spend logs enter the log once, exact, marked, and without a key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from bizq_lab.analysis import evaluate
from bizq_lab.errors import NotEnoughData
from bizq_lab.lab import Lab
from tests.support.imports import KEY_HASH, counts, open_lab, spend, table, write_csv, write_lines

TYPE = "support.reply"


def as_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    lines = write_lines(path.with_suffix(".source.jsonl"), rows)
    duckdb.sql(f"COPY (FROM read_json('{lines}')) TO '{path}' (FORMAT parquet)")
    return path


WRITERS: dict[str, Callable[[Path, list[dict[str, Any]]], Path]] = {
    "spend.csv": write_csv, "spend.jsonl": write_lines, "spend.parquet": as_parquet,
    "spend.json": lambda path, rows: (path.write_text(json.dumps(rows, indent=1), "utf-8"), path)[1],
}  # fmt: skip


@pytest.fixture
def lab(tmp_path: Path) -> Any:
    with open_lab(tmp_path / "lab.duckdb") as opened:
        yield opened


def refused(lab: Lab, tmp_path: Path, **changes: Any) -> str:
    """Why a row is refused."""
    file = write_lines(tmp_path / "one.jsonl", [spend(**changes)])
    report = lab.import_log(file, format="litellm", task_type=TYPE, dry_run=True)
    assert (report.read, report.imported, report.refused) == (1, 0, 1), report
    return report.refusals[0].reason


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    file = WRITERS[name](tmp_path / name, [spend(1), spend(2, spend=0.1, model="acme-70b", custom_llm_provider="acme")])
    with open_lab(tmp_path / "lab.duckdb") as lab:
        report = lab.import_log(file, format="litellm", task_type=TYPE)
        assert (report.read, report.imported, report.refused) == (2, 2, 0), report
        rows = table(lab, "SELECT * FROM task_outcome ORDER BY cost_nano_usd")
        (first, second) = rows
        assert first["cost_nano_usd"] == 123_456
        assert second["cost_nano_usd"] == 100_000_000
        assert (first["model"], first["provider"]) == ("openai/gpt-6-luna", "openai")
        assert (second["model"], second["provider"]) == ("acme-70b", "acme")
        assert first["decided_at_us"] == 1_793_527_200_000_000
        assert (first["response_time_us"], first["time_to_first_chunk_us"]) == (2_500_000, 400_000)
        assert (first["input_tokens"], first["output_tokens"], first["workspace_id"]) == (100, 50, "team_a")
        assert (first["origin"], first["policy"], first["design"]) == ("import:litellm", "imported", "observational")
        assert {caveat.code for caveat in report.caveats} == {"model_unknown", "no_propensity"}


def test_no_row_has_a_propensity_and_off_policy_evaluation_refuses_them(lab: Lab, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "s.jsonl", [spend(n, team_id=f"t{n % 9}") for n in range(40)])
    lab.import_log(file, format="litellm", task_type=TYPE)
    assert table(lab, "SELECT count(*) AS n FROM decision WHERE propensity_ppb IS NULL") == [{"n": 40}]
    with pytest.raises(NotEnoughData, match="40 carry no propensity"):
        evaluate(lab.log, lab.catalog, None)


def test_questions_that_need_no_propensity_answer(lab: Lab, tmp_path: Path) -> None:
    models = ("gpt-6-luna", "claude-haiku-5-5")
    rows = [spend(n, model=models[n % 2], team_id=f"t{n % 20}", spend=0.001 * (1 + n % 2)) for n in range(80)]
    lab.import_log(write_lines(tmp_path / "s.jsonl", rows), format="litellm", task_type=TYPE)
    assert {row.model for row in lab.performance().rows} == {"openai/gpt-6-luna", "anthropic/claude-haiku-5-5"}
    assert lab.compare(task_type=TYPE, primary="cost").verdict
    assert lab.efficiency().rows
    assert lab.learn()
    assert lab.what_if(None).summary()
    assert len(lab.sql("SELECT * FROM task_outcomes_human")) == 80
    assert lab.log.health()


@pytest.mark.parametrize("name", ["spend.csv", "spend.jsonl"])
def test_importing_again_adds_nothing_whatever_the_kind_of_file(lab: Lab, tmp_path: Path, name: str) -> None:
    rows = [spend(n) for n in range(5)]
    lab.import_log(write_lines(tmp_path / "first.jsonl", [*rows, rows[0]]), format="litellm", task_type=TYPE)
    again = lab.import_log(WRITERS[name](tmp_path / name, [*rows, spend(9)]), format="litellm", task_type=TYPE)
    assert (again.imported, again.already_there) == (1, 5)
    assert counts(lab) == {"decision": 6, "attempt": 6, "outcome": 6, "quarantine": 0}


def test_a_dry_run_says_the_same_and_leaves_no_file(lab: Lab, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "s.jsonl", [spend(1), spend(1), spend(2), spend(3, spend=-1)])
    dry = lab.import_log(file, format="litellm", task_type=TYPE, dry_run=True)
    assert {path.name for path in tmp_path.iterdir()} == {"s.jsonl"}
    wet = lab.import_log(file, format="litellm", task_type=TYPE)
    for report in (dry, wet):
        assert (report.read, report.imported, report.already_there, report.refused) == (4, 2, 1, 1)
    assert "would be imported" in dry.summary()


@pytest.mark.parametrize("payloads", ["full", "hash", "none"])
def test_words_are_kept_as_the_lab_keeps_them_and_a_key_never(tmp_path: Path, payloads: Any) -> None:
    log = tmp_path / "lab.duckdb"
    with open_lab(log, payloads=payloads) as lab:
        lab.import_log(write_csv(tmp_path / "s.csv", [spend()]), format="litellm", task_type=TYPE)
        (row,) = table(lab, "SELECT task_input::VARCHAR AS asked, output, output_sha256 FROM decision, attempt")
        assert ("Where is my order?" in str(row["asked"])) == (payloads == "full")
        assert (row["output"] == "On its way.") == (payloads == "full")
        assert bool(row["output_sha256"]) == (payloads != "none")
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("lab.duckdb*") if path.is_file())
    for secret in (KEY_HASH, "10.0.0.7", "api.example"):
        assert secret.encode() not in stored
    assert (b"Where is my order?" in stored) == (payloads == "full")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"spend": -0.01}, "spend is below 0"),
        ({"spend": "NaN"}, "spend is not finite"),
        ({"spend": float("inf")}, "spend is not finite"),
        ({"spend": 1e12}, "spend is above 1,000,000"),
        ({"spend": "1e9999"}, "spend is above 1,000,000"),
        ({"spend": "cheap"}, "spend is not a number"),
        ({"spend": True}, "spend is not a number"),
        ({"prompt_tokens": -1}, "prompt_tokens is below 0"),
        ({"prompt_tokens": 1.5}, "prompt_tokens is not whole"),
        ({"prompt_tokens": 10**30}, "prompt_tokens is above 1,000,000,000"),
        ({"model": ""}, "model is missing"),
        ({"model": "m" * 1_000_000}, "model is longer than 500 characters"),
        ({"model": {"a": 1}}, "model is not text"),
        ({"startTime": None}, "startTime or endTime is missing"),
        ({"startTime": "yesterday"}, "startTime is no instant"),
        ({"startTime": "1969-01-01"}, "startTime lies before 2015 or in the future"),
        ({"endTime": "2126-11-01"}, "endTime lies before 2015 or in the future"),
        ({"endTime": "2026-11-01T09:00:00Z"}, "endTime lies before startTime"),
        ({"status": "odd"}, "status is neither success nor failure"),
        ({"messages": [float("nan")]}, "messages is not JSON"),
    ],
)
def test_a_row_out_of_its_domain_is_refused_with_its_reason(
    lab: Lab, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    assert refused(lab, tmp_path, **changes) == reason


def test_instants_are_read_as_they_are_written(lab: Lab, tmp_path: Path) -> None:
    written: dict[Any, int] = {
        "2026-11-01T10:00:00": 1_793_527_200_000_000,
        "2026-11-01 12:00:00.25+02": 1_793_527_200_250_000,
        "2026-11-01T05:00:00.123456789-0500": 1_793_527_200_123_456,
        1_793_527_200: 1_793_527_200_000_000,
        "1793527200.5": 1_793_527_200_500_000,
        1_793_527_200_001: 1_793_527_200_001_000,
        1_793_527_200_000_001: 1_793_527_200_000_001,
        "1793527200000001999": 1_793_527_200_000_001,
    }
    rows = [
        spend(n, startTime=given, endTime="2026-11-01T10:00:05Z", team_id=str(n)) for n, given in enumerate(written)
    ]
    lab.import_log(write_lines(tmp_path / "s.jsonl", rows), format="litellm", task_type=TYPE)
    found = table(lab, "SELECT decided_at_us FROM task_outcome ORDER BY workspace_id")
    assert [row["decided_at_us"] for row in found] == list(written.values())


def test_a_failure_is_one_class_of_the_error_table(lab: Lab, tmp_path: Path) -> None:
    fault = {"error_class": "RateLimitError", "error_code": "429", "error_message": "slow down, sk-abcdef123456"}
    metadata = {"status": "failure", "error_information": fault}
    lab.import_log(
        write_csv(tmp_path / "s.csv", [spend(status="failure", spend=0, metadata=metadata)]),
        format="litellm", task_type=TYPE,
    )  # fmt: skip
    (row,) = table(lab, "SELECT status, error_type, error_message, http_status FROM attempt")
    assert (row["status"], row["error_type"], row["http_status"]) == ("failed", "rate_limit", 429)
    assert row["error_message"] == "slow down, [redacted]"
    assert table(lab, "SELECT status, succeeded FROM task_outcome") == [{"status": "failed", "succeeded": False}]


def test_hostile_text_stays_data_and_a_spreadsheets_apostrophe_comes_off(lab: Lab, tmp_path: Path) -> None:
    names = ["'=HYPERLINK(1)", "'quoted'", "<script>\x00\u202e'; DROP TABLE decision; --", "=1+1"]
    rows = [spend(n, team_id=name, model="x", messages=[]) for n, name in enumerate(names)]
    lab.import_log(write_csv(tmp_path / "s.csv", rows), format="litellm", task_type=TYPE)
    found = {row["workspace_id"] for row in table(lab, "SELECT workspace_id FROM decision")}
    assert found == {"=HYPERLINK(1)", "'quoted'", "<script>\x00\u202e'; DROP TABLE decision; --", "=1+1"}


def test_a_megabyte_of_text_and_a_lone_surrogate_come_through(lab: Lab, tmp_path: Path) -> None:
    said = "ä" * 1_000_000
    row = spend(response={"choices": [{"message": {"content": said}}]}, messages=[{"content": "\ud800"}])
    lab.import_log(write_lines(tmp_path / "s.jsonl", [row]), format="litellm", task_type=TYPE)
    assert table(lab, "SELECT length(output) AS n FROM attempt") == [{"n": 1_000_000}]


def test_bad_lines_are_counted_and_the_rest_is_imported(lab: Lab, tmp_path: Path) -> None:
    lines: list[Any] = [spend(1), "{not json", "[1, 2]", '{"a":' * 100_000, "", spend(2)]
    report = lab.import_log(write_lines(tmp_path / "s.jsonl", lines), format="litellm", task_type=TYPE)
    assert (report.read, report.imported) == (5, 2)
    assert {one.reason: one.rows for one in report.refusals} == {"not JSON": 2, "not a JSON object": 1}
    assert report.refusals[0].examples[0] == (2, "{not json")
    assert isinstance(report.to_frame(), pd.DataFrame)
    assert "row 2" in str(report)


def test_odd_rows_are_flagged_and_said(lab: Lab, tmp_path: Path) -> None:
    rows = [
        spend(1, spend=None), spend(2, spend=0), spend(3, prompt_tokens=None), spend(4, cache_hit="True", spend=0),
        spend(5, request_id=""),
    ]  # fmt: skip
    report = lab.import_log(write_lines(tmp_path / "s.jsonl", rows), format="litellm", task_type=TYPE)
    codes = {caveat.code for caveat in report.caveats}
    assert codes == {"price_unknown", "zero_cost", "usage_missing", "no_source_id", "no_propensity"}
    flags = sorted(str(list(row["flags"])) for row in table(lab, "SELECT flags FROM decision"))
    assert flags == ["['cached']", "['no_source_id']", "['price_unknown']", "['usage_missing']", "['zero_cost']"]


def test_what_another_gateway_paid_is_no_spending_of_this_log(lab: Lab, tmp_path: Path) -> None:
    lab.import_log(write_lines(tmp_path / "s.jsonl", [spend()]), format="litellm", task_type=TYPE)
    assert lab.log.query("spending", since_us=0, run_id=None) == []
