"""A real browser for tests: Debian's Chromium, driven by Playwright. Skips where either is missing. Asserts nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

CHROMIUM = Path("/usr/bin/chromium")
Scheme = Literal["light", "dark"]
WIDTHS_PX = (390, 1200)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser, or a skip that says what is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    if not CHROMIUM.exists():
        pytest.skip("chromium is not at /usr/bin/chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


def column_as_seen(table: Locator, number: int) -> list[str]:
    """The texts of a column, counted from 0, by where on the screen their rows stand."""
    script = """(table, number) => [...table.tBodies[0].rows]
      .map(row => [row.getBoundingClientRect().top, row.cells[number].innerText])
      .sort(([one], [other]) => one - other)
      .map(([, text]) => text)"""
    texts: list[str] = table.evaluate(script, number)
    return texts
