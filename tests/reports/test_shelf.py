"""A folder of reports: filing twice changes nothing, old ones go, and the index says what is there."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from bizq_lab.errors import InputError
from bizq_lab.reports import FORMS, Headline, Report, file_report, manifest
from tests.support.hostile import PAYLOADS, foreign_markup, visible_text

DAY = date(2026, 11, 24)


def report(day: date = DAY, said: str = "It works.") -> Report:
    return Report(title=said, sections=(), as_of=day, headline=Headline(said, "", "", ""))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_form_is_filed_under_kind_and_day_with_its_checksum(tmp_path: Path) -> None:
    files = file_report(tmp_path, report(), kind="daily", forms=list(FORMS))
    assert [file.name for file in files] == [f"daily-2026-11-24{suffix}" for suffix in FORMS.values()]
    for filed in manifest(tmp_path):
        data = (tmp_path / filed.file).read_bytes()
        assert (filed.sha256, filed.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))


def test_filing_the_same_report_again_changes_no_byte(tmp_path: Path) -> None:
    file_report(tmp_path, report(), kind="daily", forms=list(FORMS))
    before = contents(tmp_path)
    file_report(tmp_path, report(), kind="daily", forms=list(FORMS))
    assert contents(tmp_path) == before


def test_old_days_of_a_kind_go_and_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    file_report(tmp_path, report(DAY - timedelta(days=30)), kind="weekly")
    for back in range(4, -1, -1):
        file_report(tmp_path, report(DAY - timedelta(days=back)), kind="daily", keep=2)
    names = set(contents(tmp_path)) - {"manifest.json", "index.html", ".shelf.lock"}
    assert names == {"notes.txt", "weekly-2026-10-25.html", "daily-2026-11-23.html", "daily-2026-11-24.html"}
    assert {filed.file for filed in manifest(tmp_path)} == names - {"notes.txt"}


def test_the_index_names_every_report_newest_first(tmp_path: Path) -> None:
    for back in (2, 0, 1):
        file_report(tmp_path, report(DAY - timedelta(days=back), said=f"day {back}"), kind="daily")
    html = (tmp_path / "index.html").read_text()
    assert [html.index(f'href="daily-2026-11-{24 - back}.html"') for back in (0, 1, 2)] == sorted(
        html.index(f'href="daily-2026-11-{24 - back}.html"') for back in (0, 1, 2)
    )
    assert "day 2" in visible_text(html)


def test_no_payload_becomes_markup_or_leaves_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for payload in PAYLOADS:
        for file in file_report(folder, report(said=payload), kind=payload):
            assert file.parent == folder
    assert foreign_markup((folder / "index.html").read_text()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("text", ["not json", "[]", '{"reports": [{"file": "x"}]}'])
def test_a_foreign_manifest_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match="not a manifest"):
        file_report(tmp_path, report(), kind="daily")
    assert (tmp_path / "manifest.json").read_text() == text


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write reports"):
        file_report(tmp_path / "file", report(), kind="daily")
    with pytest.raises(InputError, match="keep == 0"):
        file_report(tmp_path, report(), kind="daily", keep=0)


def test_the_manifest_is_plain_sorted_json(tmp_path: Path) -> None:
    file_report(tmp_path, report(), kind="daily")
    document = json.loads((tmp_path / "manifest.json").read_text())
    assert document["schema_version"] == 1
    assert [row["kind"] for row in document["reports"]] == ["daily"]
