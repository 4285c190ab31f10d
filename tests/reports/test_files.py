"""A report on disk is the old one or the whole new one."""

import os
from pathlib import Path

import pytest

from bizq_lab.errors import InputError
from bizq_lab.reports import write_report


def test_a_report_is_written_whole_with_its_folder_and_may_be_read(tmp_path: Path) -> None:
    path = write_report(tmp_path / "new" / "report.html", "<p>ä\n</p>\n".encode())
    assert path.read_bytes() == "<p>ä\n</p>\n".encode()
    assert path.stat().st_mode & 0o444 == 0o444
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


def test_a_failed_write_leaves_the_old_report_and_no_debris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_report(tmp_path / "report.html", b"old")

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(InputError, match="No space left on device"):
        write_report(path, b"new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("name", ["", "sub", "nul\0byte.html"])
def test_a_path_that_cannot_be_a_file_is_one_clear_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "sub").mkdir()
    with pytest.raises(InputError, match="cannot write report"):
        write_report(tmp_path / name, b"x")
    assert [entry.name for entry in tmp_path.iterdir()] == ["sub"]
