"""A reader sorts a table in a real browser: in a notebook's output and in a report, without script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from bizq_lab.core.display import Sheet
from bizq_lab.core.markup import html_table
from bizq_lab.core.result import Result
from bizq_lab.reports import Headline, Section
from tests.support.browser import chromium, column_as_seen
from tests.support.report_answers import AS_OF, estimate
from tests.support.reports import rendered

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from bizq_lab.core.result import Cell

LISTED = ["luna", "Opus", "gpt", "mini", "Haiku"]
COSTS = [0.3, None, 0.1, 0.3, 0.2]


@dataclass(frozen=True, kw_only=True, repr=False)
class Arms(Result):
    """Five arms with a tie and a cost that nobody knows."""

    title: ClassVar[str] = "Arms"
    columns: ClassVar[tuple[str, ...]] = ("arm", "task_type", "cost_usd")

    def summary(self) -> str:
        """One sentence."""
        return "Five arms."

    def records(self) -> list[dict[str, Cell]]:
        """One row an arm."""
        return [
            {"arm": arm, "task_type": "x", "cost_usd": None if cost is None else estimate(cost, 0.1, "usd")}
            for arm, cost in zip(LISTED, COSTS, strict=True)
        ]


NARROW = Sheet("Narrow", "Of another cell.", ["day"], [{"day": day} for day in ("Monday", "Tuesday", "Friday")])


def notebook() -> str:
    """Two outputs, for the style sheet of each rules the other too."""
    return f'<!DOCTYPE html><meta charset="utf-8">{Arms().to_html()}{html_table(NARROW)}'


def report() -> str:
    section = Section(heading="Arms", question="Which?", results=(Arms(),))
    return rendered("Arms", [section], as_of=AS_OF, headline=Headline("a", "b", "c", "d"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(params=[notebook, report], ids=["notebook", "report"])
def page(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The table where scripts of the page itself would not run."""
    (tmp_path / "page.html").write_text(request.param(), encoding="utf-8")
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        yield page


def test_an_arrow_sorts_missing_cells_stay_last_ties_stay_as_listed_and_the_cross_undoes_it(page: Page) -> None:
    table = page.locator("table").first
    undo = page.get_by_role("radio", name="as listed")
    assert page.locator("script").count() == 0
    assert column_as_seen(table, 0) == LISTED
    assert undo.count() == 0
    for button, expected in {
        "cost ascending": ["gpt", "Haiku", "luna", "mini", "Opus"],
        "cost descending": ["luna", "mini", "Haiku", "gpt", "Opus"],
        "arm ascending": ["gpt", "Haiku", "luna", "mini", "Opus"],
        "arm descending": ["Opus", "mini", "luna", "Haiku", "gpt"],
    }.items():
        page.get_by_role("radio", name=button).click()
        assert column_as_seen(table, 0) == expected, button
    undo.click()
    assert column_as_seen(table, 0) == LISTED
    assert table.evaluate("table => getComputedStyle(table).display") == "table"


def test_a_keyboard_sorts_too_and_never_loses_its_place(page: Page) -> None:
    table = page.locator("table").first
    page.get_by_role("radio", name="arm ascending").focus()
    seen = []
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        seen.append((page.locator("input:focus").get_attribute("aria-label"), column_as_seen(table, 0)[0]))
    assert seen == [
        *(("arm descending", "Opus"), ("as listed", "luna"), ("cost ascending", "gpt"), ("cost descending", "luna")),
    ]


def test_a_sorted_table_is_read_aloud_as_a_table_in_the_order_that_is_seen(page: Page) -> None:
    def spoken() -> tuple[dict[str, int], list[str]]:
        nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
        said = [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in nodes if not one["ignored"]]
        roles = [role for role, _ in said]
        kinds = {role: roles.count(role) for role in ("table", "row", "columnheader", "cell")}
        return kinds, [name for role, name in said if role == "cell" and name in LISTED]

    kinds, names = spoken()
    assert kinds["columnheader"] >= len(Arms.columns)
    assert names == LISTED
    page.get_by_role("radio", name="cost descending").click()
    assert spoken() == (kinds, ["luna", "mini", "Haiku", "gpt", "Opus"])


def test_columns_stay_side_by_side_under_their_headings(page: Page) -> None:
    page.get_by_role("radio", name="cost ascending").click()
    edges = (
        "table => [...table.rows].map(row => [...row.cells].map(cell => Math.round(cell.getBoundingClientRect().x)))"
    )
    heads, *rows = page.locator("table").first.evaluate(edges)
    assert sorted(set(heads)) == heads
    assert all(row == heads for row in rows)


def test_paper_keeps_the_order_and_shows_no_buttons(page: Page) -> None:
    page.get_by_role("radio", name="cost ascending").click()
    page.emulate_media(media="print")
    assert not page.locator(".bizq-sort").first.is_visible()
    assert column_as_seen(page.locator("table").first, 0)[0] == "gpt"


def test_a_page_that_drops_the_style_sheet_shows_a_plain_table(browser: Browser, tmp_path: Path) -> None:
    bare = re.sub("<style>.*?</style>", "", notebook())
    (tmp_path / "bare.html").write_text(bare, encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        page.goto((tmp_path / "bare.html").as_uri())
        assert page.get_by_role("radio").count() == 0
        assert column_as_seen(page.locator("table").first, 0) == LISTED
