"""Files of other programs are read a row at a time; what cannot be read is said and costs only itself."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import duckdb
import pytest

from bizq_lab.errors import InputError
from bizq_lab.store.foreign import read_foreign


def test_csv_by_its_own_delimiter_with_quotes_newlines_and_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b'\xef\xbb\xbfa;b\r\n1;"x;\ny""z"\r\n\r\n2\r\n3;\xff\r\n')
    rows = list(read_foreign(file))
    assert [row.fields for row in rows] == [{"a": "1", "b": 'x;\ny"z'}, {}, {"a": "3", "b": "�"}]
    assert (rows[1].problem, rows[1].shown) == ("other columns than the header", "1 cells for 2")
    assert all(row.spreadsheet for row in rows if not row.problem)


@pytest.mark.parametrize("content", [b"", b"\n", b"a,a\n1,2\n"])
def test_csv_without_a_header_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"no header|twice"):
        list(read_foreign(tmp_path / "a.csv"))


def test_numbers_keep_their_digits_in_every_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"x": 0.1000000000000000000001}\n', "utf-8")
    assert next(read_foreign(tmp_path / "a.jsonl")).fields == {"x": Decimal("0.1000000000000000000001")}
    file = tmp_path / "a[1]*.parquet"
    duckdb.sql(f"COPY (SELECT 1.10::DECIMAL(18, 9) AS x, {{'y': [0.1]}} AS z, NULL::INT AS n) TO '{file}'")
    (row,) = read_foreign(file)
    assert row.fields == {"x": Decimal("1.100000000"), "z": {"y": [Decimal("0.1")]}}


def test_compressed_text_is_read_and_a_torn_one_said(tmp_path: Path) -> None:
    whole = gzip.compress(b'{"x": 1}\n' * 10_000)
    (tmp_path / "a.jsonl.gz").write_bytes(whole)
    assert sum(1 for _ in read_foreign(tmp_path / "a.jsonl.gz")) == 10_000
    (tmp_path / "b.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read to its end"):
        list(read_foreign(tmp_path / "b.jsonl.gz"))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [('[{"x": 1}, {"x": 2}]', [1, 2]), ('{"data": [{"x": 3}], "total": 1}', [3]), ('{\n"x": 4\n}', [4])],
)
def test_one_json_document_holds_rows(tmp_path: Path, text: str, numbers: list[int]) -> None:
    (tmp_path / "a.json").write_text(text, "utf-8")
    assert [row.fields["x"] for row in read_foreign(tmp_path / "a.json")] == numbers


def test_a_line_too_long_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("bizq_lab.store.foreign.json_rows"), "LONGEST_LINE", 100)
    (tmp_path / "a.jsonl").write_text(json.dumps({"x": "y" * 1000}) + '\n{"x": 1}\n', "utf-8")
    rows = list(read_foreign(tmp_path / "a.jsonl"))
    assert rows[0].problem.startswith("line longer than")
    assert rows[1].fields == {"x": 1}


@pytest.mark.parametrize("name", ["a.parquet", "a.json", "a.txt", "a.parquet.gz", "absent.csv"])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str) -> None:
    if name != "absent.csv":
        (tmp_path / name).write_bytes(b"PAR1 nothing of the kind")
    with pytest.raises(InputError):
        list(read_foreign(tmp_path / name))


@pytest.mark.parametrize("name", ["big.csv", "big.jsonl"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, name: str) -> None:
    """20 MB are read within 2 MB."""
    line = "n,text\n" + "1," + "x" * 1000 + "\n" if name.endswith("csv") else ""
    row = "1," + "x" * 1000 + "\n" if line else json.dumps({"text": "x" * 1000}) + "\n"
    (tmp_path / name).write_text(line + row * 20_000, "utf-8")
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_foreign(tmp_path / name)) >= 20_000
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
