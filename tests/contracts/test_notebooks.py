"""Notebooks are thin, and were really run: nbval passes an unexecuted notebook, so this test must not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
MOST_CELLS, MOST_LINES = 12, 8


def read(path: Path) -> Any:
    """A notebook; nbformat has no types."""
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]


def test_there_is_a_tour() -> None:
    assert FOLDER.joinpath("00_tour.ipynb") in NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_thin_and_was_run_top_to_bottom(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "not run top to bottom"
    assert len(cells) <= MOST_CELLS
    for cell in cells:
        assert len(cell.source.splitlines()) <= MOST_LINES, f"move to bizq_lab: {cell.source[:60]!r}"
        assert not re.search(r"^\s*(def|class|for)\b|\bimport _|\._[a-z]", cell.source, re.MULTILINE), cell.source[:60]
        assert not [output for output in cell.outputs if output.output_type == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_opens_with_its_question_and_names_no_machine(path: Path) -> None:
    notebook = read(path)
    first = notebook.cells[0]
    assert first.cell_type == "markdown"
    for heading in ("Question", "Reads", "Answer", "Decision"):
        assert f"**{heading}" in first.source
    assert not re.search(r"/(home|root|work|Users|tmp)/", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_cell_that_draws_shows_its_figure(path: Path) -> None:
    for cell in read(path).cells:
        if cell.cell_type == "code" and re.search(r"\.plot\w*\(", cell.source):
            shown = [output.get("data", {}) for output in cell.outputs]
            assert any("image/png" in data for data in shown), f"a semicolon hides it: {cell.source!r}"
