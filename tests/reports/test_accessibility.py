"""Everybody can read a report: axe-core finds nothing on any page we write, in light, in dark and on a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bizq_lab.core.seeded import SeededClock
from bizq_lab.core.task import RoutingContext
from bizq_lab.lab import Lab
from bizq_lab.reports import file_report, periodic_report, rollout_report
from bizq_lab.store import Log
from tests.support.browser import WIDTHS_PX, Scheme, chromium
from tests.support.lab_small import DAY, TYPE, catalog, small_lab, tasks_of
from tests.support.rollouts import Stage
from tests.support.targets import installed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
SHELL = (
    '<!DOCTYPE html><html lang="en"><head><title>{0}</title></head>'
    '<body style="{1}"><main><h1>{0}</h1>{2}</main></body></html>'
)
SORT = """(() => {
  const arrows = document.querySelectorAll('.bizq-sort td:nth-child(2) > input');
  arrows.forEach(arrow => { arrow.checked = true; });
  return arrows.length;
})()"""
NOTEBOOK = {"light": "color:#1b1f24;background:#fff", "dark": "color:#e8ebee;background:#111"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def axe() -> str:
    return Path(installed("node", "node_modules", "axe-core", "axe.min.js")).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day's report with an experiment and a trend, a rollout's, their index, and a lab's own dashboard."""
    folder = tmp_path_factory.mktemp("pages")
    with small_lab(folder) as lab:
        assert isinstance(lab.clock, SeededClock)
        lab.experiment().run_model_comparison(TYPE, ["plain", "luna"], tasks_of(n=12))
        lab.clock.advance(86_400)
        for task in tasks_of(n=6):
            lab.run(task, RoutingContext(workspace_id="ws"))
        file_report(folder, periodic_report(lab, "daily", as_of=DAY + timedelta(days=1)).report, kind="daily")
        (folder / "dashboard.txt").write_text(lab._repr_html_(), encoding="utf-8")
    (folder / "rollout").mkdir()
    with Log.open(folder / "rollout" / "lab.duckdb") as log:
        stage = Stage(folder / "rollout", log)
        stage.begin()
        stage.day(per_unit=3)
        stage.desk.check()
        with Lab.open(log.path, catalog=catalog(), providers={}, clock=stage.clock) as lab:
            file_report(folder, rollout_report(lab, as_of=DAY + timedelta(days=1)).report, kind="rollout")
    return folder


def violations(
    browser: Browser, axe: str, page_at: Path, scheme: Scheme, width_px: int, *, sort: bool = False
) -> list[str]:
    """What axe-core says of a page, one line a node; with every table sorted that can be, if asked."""
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport={"width": width_px, "height": 900})
    try:
        page = context.new_page()
        page.goto(page_at.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert not sort or page.evaluate(SORT), "nothing was sorted"
        page.evaluate(axe)
        found: Any = page.evaluate(f"axe.run(document, {json.dumps(RULES)})")
    finally:
        context.close()
    assert found["passes"], "axe-core looked at nothing"
    return [
        f"{rule['id']}: {node['html'][:200]} ({node.get('failureSummary', '')})"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_report(browser: Browser, axe: str, folder: Path, scheme: Scheme, width_px: int) -> None:
    pages = sorted(folder.glob("*.html"))
    assert [path.name.partition("-")[0].partition(".")[0] for path in pages] == ["daily", "index", "rollout"]
    for path in pages:
        assert violations(browser, axe, path, scheme, width_px) == [], path.name


def test_axe_finds_nothing_when_tables_are_sorted(browser: Browser, axe: str, folder: Path) -> None:
    (daily,) = folder.glob("daily*.html")
    assert violations(browser, axe, daily, "dark", min(WIDTHS_PX), sort=True) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_lab_shown_in_a_notebook(
    browser: Browser, axe: str, folder: Path, scheme: Scheme
) -> None:
    page = folder / "rollout" / f"notebook-{scheme}.html"
    shown = (folder / "dashboard.txt").read_text(encoding="utf-8")
    page.write_text(SHELL.format("notebook", NOTEBOOK[scheme], shown), encoding="utf-8")
    assert violations(browser, axe, page, scheme, 1200) == []


def test_axe_would_have_told(browser: Browser, axe: str, tmp_path: Path) -> None:
    """The tests above can fail: pale text and a picture without words are found."""
    page = tmp_path / "bad.html"
    page.write_text(SHELL.format("bad", "", "<p style='color:#bbb'>pale</p><img src='data:,'><h4>skipped</h4>"))
    rules = {line.partition(":")[0] for line in violations(browser, axe, page, "light", 1200)}
    assert {"color-contrast", "image-alt", "heading-order"} <= rules
