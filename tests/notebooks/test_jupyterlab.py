"""A notebook in the JupyterLab that an analyst opens: run all, no error, the tables and figures are there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from tests.support.browser import chromium, column_as_seen
from tests.support.lab_cli import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

NOTEBOOK = "00_tour.ipynb"
PATIENCE_MS = 400_000
QUIET = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page, seen or not
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
IDLE = ".jp-Notebook-ExecutionIndicator[data-status='idle']"
READY = "#jp-main-statusbar >> text=/Python 3.* Idle/"
NO_OUTPUT_YET = "document.querySelectorAll('.jp-OutputArea-output').length === 0"
ALL_RUN = """() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')].map(p => p.textContent.trim());
  return prompts.length > 0 && prompts.every(text => /^\\[\\d+\\]:$/.test(text));
}"""


@pytest.fixture
def jupyterlab(tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab on loopback, with a token, over a copy of the notebook without its outputs."""
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed: pip install 'bizq-lab[notebooks]'")
    work, settings = tmp_path / "work", tmp_path / "settings"
    shutil.copytree(ROOT / "notebooks", work, ignore=shutil.ignore_patterns("*.duckdb*", ".ipynb_checkpoints"))
    document = json.loads((work / NOTEBOOK).read_text(encoding="utf-8"))
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    (work / NOTEBOOK).write_text(json.dumps(document), encoding="utf-8")
    for name, values in QUIET.items():
        path = settings / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    token = "a-token-of-this-test"  # noqa: S105 - of a server that lives as long as the test
    places = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")} | {
        "JUPYTERLAB_SETTINGS_DIR": str(settings),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
    }
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"),
            *(f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={work}", "--expose-app-in-browser"),
        ],
        cwd=work, env={**os.environ, **places, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert server.stderr is not None
    try:
        address = _address(server.stderr, token)
        reader = threading.Thread(target=server.stderr.read, daemon=True)  # a full pipe would stop the server
        reader.start()
        yield address
    finally:
        server.terminate()
        server.wait()
    reader.join()
    server.stderr.close()


def _address(log: IO[str], token: str) -> str:
    """Read what the server says until it names its port."""
    said = []
    for line in log:
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/lab", line):
            return f"http://127.0.0.1:{found[1]}/lab/tree/{NOTEBOOK}?token={token}"
    raise AssertionError("".join(said[-20:]))


def test_a_notebook_runs_from_top_to_bottom_in_jupyterlab(jupyterlab: str, tmp_path: Path) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(jupyterlab)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_selector(READY)  # a run before its session is there would ask which kernel
        assert page.evaluate(NO_OUTPUT_YET)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_function(ALL_RUN, timeout=PATIENCE_MS)
        page.wait_for_selector(IDLE)
        assert errors(page) == []
        assert page.locator(".jp-OutputArea-output .bizq-result table").count() >= 4
        assert drawn(page, ".jp-OutputArea-output img") >= 2
        assert page.locator(".bizq-result mjx-container").count() == 0, "dollars were taken for mathematics"
        assert aligned(page, "td.bizq-name") == {"left"}
        assert aligned(page, "td.bizq-number") == {"right"}
        sortable = page.locator(".jp-OutputArea-output .bizq-result table", has=page.locator(".bizq-sort")).first
        sortable.get_by_role("radio", name="arm descending").click()
        arms = column_as_seen(sortable, 1)
        assert arms == sorted(arms, key=str.casefold, reverse=True)
        assert len(set(arms)) > 1
        page.locator(".jp-OutputArea-output img").first.scroll_into_view_if_needed()
        page.screenshot(path=tmp_path / "jupyterlab.png")
        if keep := os.environ.get("BIZQ_LAB_SCREENSHOTS"):
            shutil.copy(tmp_path / "jupyterlab.png", keep)


def errors(page: Page) -> list[str]:
    """What cells wrote as an error or to stderr."""
    kinds = "application/vnd.jupyter.error", "application/vnd.jupyter.stderr"
    return [text for kind in kinds for text in page.locator(f"[data-mime-type='{kind}']").all_inner_texts()]


def drawn(page: Page, selector: str) -> int:
    """How many such pictures have a size."""
    return sum(bool((box := one.bounding_box()) and box["width"] > 20) for one in page.locator(selector).all())


def aligned(page: Page, selector: str) -> set[str]:
    """How such cells of our tables stand, under JupyterLab's own style sheet."""
    script = f"[...document.querySelectorAll('.bizq-result {selector}')].map(cell => getComputedStyle(cell).textAlign)"
    return set(page.evaluate(script))
