"""How long each notebook takes, offline, kernel start included: about 15 s each is what an analyst waits for gladly.

Run: python -m tests.benchmarks.bench_notebooks [NAME ...]

Each notebook is executed by a fresh kernel in a copy of the folder. Seconds of the wall depend on what else the machine
does; seconds of processor are those of kernel and client together. The last line is a notebook of one empty cell: what
Jupyter itself takes, and part of every other line.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import nbformat

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def main() -> None:
    """Execute one after the other, and print a line each."""
    asked = _arguments()
    _say(f"{'notebook':<28} {'wall':>8} {'processor':>10}")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not asked.names or any(name in path.name for name in asked.names):
            _row(path)
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "(empty)" / "(empty).ipynb"
        empty.parent.mkdir()
        cells = [nbformat.v4.new_code_cell()]  # type: ignore[no-untyped-call]  # nbformat has no types
        nbformat.write(nbformat.v4.new_notebook(cells=cells), empty)  # type: ignore[no-untyped-call]
        _row(empty)


def _row(notebook: Path) -> None:
    wall_s, processor_s = seconds_of(notebook)
    _say(f"{notebook.stem:<28} {wall_s:6.1f} s {processor_s:8.1f} s")


def seconds_of(notebook: Path) -> tuple[float, float]:
    """Wall and processor seconds of one execution.

    Raises:
        subprocess.CalledProcessError: A cell failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "notebooks"
        shutil.copytree(notebook.parent, copy, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "*.duckdb*"))
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
        subprocess.run(
            [
                sys.executable,
                "-W",
                "ignore",
                "-m",
                "nbconvert",
                "--to",
                "notebook",
                "--execute",
                "--inplace",
                notebook.name,
            ],
            cwd=copy,
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(NOTEBOOKS.parent)},
        )
        wall_s, after = perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="Parts of names; all by default")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
