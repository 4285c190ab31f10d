"""A mapping says which column is what; what it does not name is not imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.errors import InputError
from bizq_lab.lab import Lab
from tests.support.imports import open_lab, table, write_csv, write_lines

MAPPING = """
source = "acme"
task_type = "support.reply"
failed = ["ERR"]
[columns]
id = "call"
model = "model"
started_at = "ts"
response_time_ms = "ms"
cost_usd = "usage.usd"
input_tokens = "usage.in"
output_tokens = "usage.out"
status = "state"
quality = "score"
output = "said"
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with open_lab(tmp_path / "lab.duckdb") as opened:
        yield opened


def mapping(folder: Path, text: str = MAPPING, name: str = "map.toml") -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def call(number: int = 1, **changes: Any) -> dict[str, Any]:
    row = {
        "call": str(number), "model": "m", "ts": 1_793_527_200, "ms": "12.5", "state": "OK", "score": 0.75,
        "said": "Hi.", "usage": {"usd": "0.000000001", "in": 3, "out": 4}, "secret_column": "never",
    }  # fmt: skip
    return row | changes


@pytest.mark.parametrize("write", [write_lines, write_csv])
def test_named_columns_are_imported_and_no_other(lab: Lab, tmp_path: Path, write: Any) -> None:
    name = "c.csv" if write is write_csv else "c.jsonl"
    file = write(tmp_path / name, [call(1), call(2, state="err")])
    report = lab.import_log(file, format="generic", mapping=mapping(tmp_path))
    assert (report.imported, report.refused) == (2, 0), report
    rows = table(lab, "SELECT * FROM task_outcome JOIN attempt USING (decision_id) ORDER BY succeeded DESC")
    first, second = rows
    assert (first["cost_nano_usd"], first["response_time_us"], first["quality_ppm"]) == (1, 12_500, 750_000)
    assert (first["input_tokens"], first["output_tokens"], first["task_type"]) == (3, 4, "support.reply")
    assert (first["output"], first["arm"], first["workspace_id"]) == ("Hi.", "m", "imported")
    assert (second["succeeded"], second["error_type"]) == (False, "unexpected")
    assert "never" not in lab.sql("SELECT * FROM decision").to_string()


def test_two_sources_may_number_their_rows_alike(lab: Lab, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "c.jsonl", [call(1)])
    other = mapping(tmp_path, MAPPING.replace('"acme"', '"other"'), "other.toml")
    for one, imported in ((mapping(tmp_path), 1), (other, 1), (other, 0)):
        assert lab.import_log(file, format="generic", mapping=one).imported == imported


def test_a_row_without_its_model_time_or_task_type_is_refused(lab: Lab, tmp_path: Path) -> None:
    rows = [call(1, model=None), call(2, ts=None), call(3, ms=None), call(4, score=1.5), call(5, ms="-1")]
    file = write_lines(tmp_path / "c.jsonl", rows)
    report = lab.import_log(file, format="generic", mapping=mapping(tmp_path), dry_run=True)
    assert {one.reason for one in report.refusals} == {
        "model is missing", "ts is missing", "neither a response time nor an end", "score is above 1", "ms is below 0",
    }  # fmt: skip
    untold = mapping(tmp_path, MAPPING.replace('task_type = "support.reply"', ""), "untold.toml")
    again = lab.import_log(write_lines(tmp_path / "d.jsonl", [call(1)]), format="generic", mapping=untold, dry_run=True)
    assert [one.reason for one in again.refusals] == ["no task type: pass --task-type"]


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        (MAPPING.replace("model = ", "modell = "), "m.toml", "columns.modell"),
        (MAPPING.replace('response_time_ms = "ms"', ""), "m.toml", "names none of ended_at"),
        ("[columns", "m.toml", "m.toml"),
        ('{"columns": {"model": "m"}}', "m.json", "columns.started_at"),
        ("[" * 100_000, "m.json", "m.json"),
    ],
)
def test_a_mapping_that_maps_nothing_known_is_refused_before_a_row_is_read(
    lab: Lab, tmp_path: Path, text: str, name: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        lab.import_log(tmp_path / "absent.csv", format="generic", mapping=mapping(tmp_path, text, name))
    assert not lab.log.path.exists()


def test_a_mapping_belongs_to_the_generic_format(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a mapping"):
        lab.import_log("x.csv", format="generic")
    with pytest.raises(InputError, match="takes no mapping"):
        lab.import_log("x.csv", format="otel", mapping=mapping(tmp_path))
    with pytest.raises(InputError, match="no file"):
        lab.import_log(tmp_path / "x.csv", format="otel")
