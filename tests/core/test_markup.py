"""A table brings along what sorts it: ranks that are integers, buttons that no cell can name, no script."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.core.display import Sheet
from bizq_lab.core.markup import html_table
from bizq_lab.core.result import Cell
from bizq_lab.core.stylesheet import style_for
from bizq_lab.core.trend import Trend
from tests.support.hostile import PAYLOADS, foreign_markup


def sheet(*rows: Mapping[str, Cell], title: str = "t") -> Sheet:
    return Sheet(title, "s", list(rows[0]), rows)


def three(text: str) -> Sheet:
    """Three rows with the text as title, heading and cell, beside a number."""
    rows: list[dict[str, Cell]] = [{text: cell, "n": n} for n, cell in enumerate((text, "a", "b"))]
    return sheet(*rows, title=text)


ARMS = sheet(
    {"arm": "luna", "type": "x", "cost_usd": 0.2, "trend": Trend((1.0, 2.0))},
    {"arm": "Opus", "type": "x", "cost_usd": None, "trend": Trend((1.0, 2.0))},
    {"arm": "gpt", "type": "x", "cost_usd": 0.1, "trend": Trend((1.0, 2.0))},
)


class Found(HTMLParser):
    """The attributes of every row and button."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[dict[str, str | None]] = []
        self.inputs: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep one."""
        if tag in {"tr", "input"}:
            (self.rows if tag == "tr" else self.inputs).append(dict(attrs))


def test_a_row_carries_its_rank_in_each_column_that_sorts() -> None:
    styles = [row.get("style") for row in Found(html_table(ARMS)).rows]
    assert styles == [None, None, "--c1:1;--c3:1", "--c1:2", "--c1:0;--c3:0"]


def test_each_column_that_sorts_has_two_buttons_and_the_table_one_that_undoes_them() -> None:
    found = Found(html_table(ARMS))
    assert [one["aria-label"] for one in found.inputs] == [
        *("arm ascending", "arm descending", "as listed", "cost ascending", "cost descending"),
    ]
    assert len({one["name"] for one in found.inputs}) == 1
    assert [("hidden" in row, row.get("class")) for row in found.rows[:2]] == [(False, None), (True, "bizq-sort")]


def test_headings_and_cells_read_as_if_nothing_could_be_sorted() -> None:
    """A button inside a heading would be read aloud with every cell of its column."""
    heads = re.findall(r"<th .*?</th>", html_table(ARMS))
    assert len(heads) == 4
    assert not any("input" in head for head in heads)


@pytest.mark.parametrize("rows", [ARMS.rows[:2], [{"arm": "a"}] * 3, [{"arm": Trend((1.0,))}] * 3])
def test_a_table_that_needs_no_sorting_carries_nothing_for_it(rows: list[dict[str, Cell]]) -> None:
    html = html_table(sheet(*rows))
    assert "input" not in html
    assert "@supports" not in html
    assert "<tr>" in html


def test_the_same_table_is_the_same_bytes_and_another_has_buttons_of_its_own() -> None:
    assert html_table(ARMS) == html_table(ARMS)
    other = sheet(*ARMS.rows[::-1])
    assert Found(html_table(other)).inputs[0]["name"] != Found(html_table(ARMS)).inputs[0]["name"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_reaches_a_style_or_a_name(payload: str) -> None:
    """Neither as a heading nor as a cell; `foreign_markup` holds rows to integers and buttons to a hash."""
    html = html_table(three(payload))
    assert len(Found(html).inputs) == 5
    assert foreign_markup(html) == []


@given(st.text(st.characters(codec=None), min_size=1, max_size=40))
def test_no_text_whatever_reaches_them(text: str) -> None:
    assert foreign_markup(html_table(three(text))) == []


@pytest.mark.parametrize(
    "html",
    [
        '<tr style="--c1:1;color:red"></tr>',
        '<tr style="--c1:var(--x)"></tr>',
        '<tr style="--c1:-1"></tr>',
        '<input type="text" name="bizq0a1b2c" aria-label="x">',
        '<input type="radio" name="other" aria-label="x">',
        '<input type="radio" name="bizq0a1b2c" aria-label="x" onfocus="x">',
        '<input type="radio" name="bizq0a1b2c" aria-label="x" id="x">',
        '<input type="radio">',
    ],
)
def test_the_allow_list_would_have_told(html: str) -> None:
    assert foreign_markup(html)


def test_a_style_sheet_has_a_rule_for_each_column_that_sorts_and_no_other() -> None:
    assert re.findall(r"var\(--c(\d+)\)", style_for([2, 11])) == ["2", "11"]
    assert style_for([2, 11]).startswith(style_for([]))
    for columns in ([], [1], range(1, 18)):
        css = style_for(columns)
        assert css.count("{") == css.count("}")
        assert not re.search(r"url|@import|</", css)
