"""What holds for every module: short, introduced by its first line, without SQL outside the store, without pickles."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "bizq_lab"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)
MOST_LINES = 330
SQL = re.compile(
    r"^\s*(SELECT|INSERT INTO|CREATE (OR REPLACE )?(TABLE|VIEW)|UPDATE \w+ SET|DELETE FROM|COPY)\s", re.IGNORECASE
)
# SQLite is the ledger's own file, and its statements live in execution/ledger.sql; nothing else may speak SQL.
SPEAKS_SQL = {"store"}
FORBIDDEN_CALLS = {"eval", "exec"}
FORBIDDEN_IMPORTS = {"pickle", "marshal", "shelve", "dill"}


def named(path: Path) -> str:
    """Path below the package."""
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_says_what_it_is_and_needs_no_scrolling(path: Path) -> None:
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text)), "says nothing of itself"
    assert len(text.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_holds_no_sql_unless_it_is_the_store_and_never_unpickles_or_evaluates(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if path.relative_to(PACKAGE).parts[0] not in SPEAKS_SQL:
            strings = [node] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
            assert not [one for one in strings if SQL.match(str(one.value))], (
                f"line {getattr(node, 'lineno', 0)}: move to store/queries"
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
            assert not {name.split(".")[0] for name in names} & FORBIDDEN_IMPORTS


def test_no_file_of_the_repository_names_a_registry_or_this_machine() -> None:
    """A lock file or a log that names where packages came from would not work for the next person."""
    root = PACKAGE.parent
    suspects = [*root.glob("*.txt"), *root.glob("*.toml"), *root.glob("*.md"), *(root / "notebooks").glob("*.ipynb")]
    for path in suspects:
        text = path.read_text("utf-8")
        assert not re.search(r"pypi\.org|pythonhosted|files\.python|registry\.npmjs|/root/|/home/\w+/", text), path.name
