"""Spans by the GenAI conventions enter the log, in every shape that exporters give them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.lab import Lab
from tests.support.imports import open_lab, table, write_csv, write_lines

START_NS = 1_793_527_200_000_000_000
ATTRIBUTES: dict[str, Any] = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-6-luna",
    "gen_ai.response.model": "gpt-6-luna-2026", "gen_ai.response.id": "r1", "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 30, "gen_ai.usage.cache_read.input_tokens": 20,
    "gen_ai.request.temperature": 0.2, "gen_ai.response.time_to_first_chunk": 0.25, "bizq.task.type": "support.reply",
    "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Hello."}]}]),
}  # fmt: skip


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with open_lab(tmp_path / "lab.duckdb") as opened:
        yield opened


def typed(value: Any) -> dict[str, Any]:
    """A value as OTLP writes it in JSON: whole numbers as text."""
    if isinstance(value, list):
        return {"arrayValue": {"values": [typed(one) for one in value]}}
    return {"intValue": str(value)} if isinstance(value, int) else (
        {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
    )  # fmt: skip


def listed(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": typed(value)} for key, value in attributes.items()]


def exported(*spans: dict[str, Any]) -> dict[str, Any]:
    resource = {"attributes": listed({"service.name": "shop"})}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": list(spans)}]}]}


def span(number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": f"{number:016x}", "name": "chat gpt-6-luna", "kind": 3,
        "startTimeUnixNano": str(START_NS), "endTimeUnixNano": str(START_NS + 1_500_000_000), "status": {},
        "attributes": listed(ATTRIBUTES | attributes),
    }  # fmt: skip


def of_the_sdk() -> dict[str, Any]:
    """As the Python SDK's console exporter prints it."""
    return {
        "name": "chat gpt-6-luna", "context": {"trace_id": "0xaf", "span_id": "0x01"},
        "start_time": "2026-11-01T10:00:00.000000Z", "end_time": "2026-11-01T10:00:01.500000Z",
        "status": {"status_code": "UNSET"}, "attributes": ATTRIBUTES,
        "resource": {"attributes": {"service.name": "shop"}},
    }  # fmt: skip


def in_columns() -> dict[str, Any]:
    times = {"start_time": START_NS, "end_time": START_NS + 1_500_000_000}
    return {"trace_id": "af", "span_id": "01", **times, "service.name": "shop", **ATTRIBUTES}


@pytest.mark.parametrize(
    ("name", "row"),
    [("a.jsonl", exported(span())), ("a.json", exported(span())), ("b.jsonl", of_the_sdk()), ("c.csv", in_columns())],
)
def test_a_span_gives_the_same_row_however_it_was_exported(
    lab: Lab, tmp_path: Path, name: str, row: dict[str, Any]
) -> None:
    file = (write_csv if name.endswith("csv") else write_lines)(tmp_path / name, [row])
    report = lab.import_log(file, format="otel")
    assert (report.read, report.imported, report.refused) == (1, 1, 0), report
    (found,) = table(lab, "SELECT * FROM task_outcome JOIN attempt USING (decision_id)")
    shown = ("task_type", "model", "workspace_id", "origin", "status", "response_model")
    assert {name: found[name] for name in shown} == {
        "task_type": "support.reply", "model": "openai/gpt-6-luna", "workspace_id": "shop", "origin": "import:otel",
        "status": "completed", "response_model": "gpt-6-luna-2026",
    }  # fmt: skip
    assert (found["decided_at_us"], found["response_time_us"]) == (START_NS // 1000, 1_500_000)
    assert (found["time_to_first_chunk_us"], found["input_tokens"], found["output_tokens"]) == (250_000, 120, 30)
    assert (found["cache_read_input_tokens"], found["finish_reason"], found["output"]) == (20, "stop", "Hello.")
    assert found["sent_temperature"] == pytest.approx(0.2)
    assert table(lab, "SELECT count(cost_nano_usd) AS n FROM outcome") == [{"n": 0}]
    assert "price_unknown" in {caveat.code for caveat in report.caveats}


def test_one_bad_span_of_a_request_costs_only_itself_and_other_spans_are_passed_over(lab: Lab, tmp_path: Path) -> None:
    tool = span(3) | {"attributes": listed({"gen_ai.operation.name": "execute_tool", "gen_ai.request.model": "x"})}
    http = span(4) | {"attributes": listed({"http.request.method": "GET"})}
    rows = [
        exported(span(1), span(2, **{"gen_ai.usage.input_tokens": -5}), tool, http, span(5)),
        {"resourceSpans": 7},
        {"resourceSpans": [{"scopeSpans": [{"spans": ["no span"]}]}]},
    ]
    report = lab.import_log(write_lines(tmp_path / "a.jsonl", rows), format="otel")
    assert (report.read, report.imported, report.passed_over, report.refused) == (7, 2, 2, 3)
    assert {one.reason for one in report.refusals} == {"gen_ai.usage.input_tokens is below 0", "not built as a span"}
    assert lab.import_log(write_lines(tmp_path / "b.jsonl", rows), format="otel").already_there == 2


@pytest.mark.parametrize(
    ("changes", "status", "expected"),
    [
        ({"error.type": "429"}, {"code": 2}, "rate_limit"),
        ({"error.type": "openai.APITimeoutError"}, {"code": "STATUS_CODE_ERROR", "message": "late"}, "timeout_read"),
        ({}, {"code": 2}, "unexpected"),
        ({"error.type": "overloaded"}, {}, "overloaded"),
    ],
)
def test_a_failed_span_is_one_class_of_the_error_table(
    lab: Lab, tmp_path: Path, changes: dict[str, Any], status: dict[str, Any], expected: str
) -> None:
    row = exported(span(1, **changes) | {"status": status})
    lab.import_log(write_lines(tmp_path / "a.jsonl", [row]), format="otel")
    assert table(lab, "SELECT status, error_type FROM task_outcome") == [{"status": "failed", "error_type": expected}]


def test_our_own_cost_attribute_is_read_exactly(lab: Lab, tmp_path: Path) -> None:
    row = exported(span(1, **{"bizq.cost.nano_usd": 9_007_199_254_741}))
    lab.import_log(write_lines(tmp_path / "a.jsonl", [row]), format="otel")
    assert table(lab, "SELECT cost_nano_usd FROM task_outcome") == [{"cost_nano_usd": 9_007_199_254_741}]
