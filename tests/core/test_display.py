"""Text and Markdown: readable, within the page, and harmless whatever is in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.core.display import (
    Sheet,
    cell_text,
    clip,
    columns_of,
    describe,
    markdown_table,
    markdown_text,
    printable,
    text_table,
)
from bizq_lab.core.estimate import Estimate
from tests.support.hostile import PAYLOADS, unprintable
from tests.support.report_answers import arm_table, estimate

everything = st.text(st.characters(codec=None), max_size=60)


@given(everything)
def test_printable_text_steers_no_terminal_and_reorders_no_line(text: str) -> None:
    assert not unprintable(printable(text))


@given(everything)
def test_making_printable_twice_changes_nothing_and_length_is_kept(text: str) -> None:
    assert printable(printable(text)) == printable(text)
    assert len(printable(text)) == len(text)


@pytest.mark.parametrize("text", ["Grüße, 日本語, emoji 👩‍🔬", "naïve café", "100 % → 50 %", "a\nb"])
def test_ordinary_text_of_any_language_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_reaches_a_terminal_with_its_power(payload: str) -> None:
    shown = str(arm_table(payload))
    assert not unprintable(shown)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_becomes_markup_in_markdown(payload: str) -> None:
    """Checked by rendering with raw HTML, links and tables switched on: only our own structure may come out."""
    markdown_it = pytest.importorskip("markdown_it", reason="a Markdown renderer comes with the notebooks extra")
    parser = markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table")
    kinds = {
        token.type
        for block in parser.parse(arm_table(payload).to_markdown())
        for token in [block, *(block.children or [])]
    }
    structure = {"heading", "paragraph", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item", "em"}
    assert kinds <= {"inline", "text"} | {f"{name}_{end}" for name in structure for end in ("open", "close")}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markdown_keeps_a_table_row_on_one_line_with_its_cells(payload: str) -> None:
    table = [line for line in arm_table(payload).to_markdown().split("\n") if line.startswith("|")]
    assert len(table) == 4
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1


def test_an_identifier_and_a_number_stay_readable_in_markdown() -> None:
    assert markdown_text("content.write 0.5 -1 (x)") == "content.write 0.5 -1 (x)"


def test_units_stand_in_the_heading_once() -> None:
    columns = describe(
        ["cost_usd", "latency_s", "success", "n"],
        [{"cost_usd": 1.0, "latency_s": 2.0, "success": estimate(0.5, 0.1, "success"), "n": 3}],
    )
    assert [column.heading for column in columns] == ["cost (USD)", "latency (s)", "success", "n"]


def test_a_column_of_mixed_units_names_the_unit_in_each_cell() -> None:
    rows = [{"difference": estimate(0.1, 0.05, "success")}, {"difference": estimate(0.1, 0.05, "usd")}]
    shown = text_table(Sheet("t", "s", ["difference"], rows))
    assert "0.100 [0.050, 0.150] success" in shown
    assert "$0.10 [$0.050, $0.15]" in shown


def test_numbers_are_right_aligned_and_names_left() -> None:
    lines = text_table(Sheet("t", "s", ["arm", "n"], [{"arm": "a", "n": 5}, {"arm": "long", "n": 12_000}])).split("\n")
    assert lines[4:6] == ["a          5", "long  12,000"]


def test_wide_characters_keep_their_columns() -> None:
    lines = text_table(Sheet("t", "s", ["arm", "n"], [{"arm": "日本", "n": 1}, {"arm": "abcd", "n": 2}])).split("\n")
    assert lines[4:6] == ["日本  1", "abcd  2"]


@given(st.lists(st.text(min_size=1, max_size=90), min_size=1, max_size=12, unique=True), st.integers(0, 3))
def test_a_text_table_stays_within_110_columns_however_many_it_has(names: list[str], rows: int) -> None:
    body = [dict.fromkeys(names, "some words in a cell") for _ in range(rows)]
    shown = text_table(Sheet("t", "s", names, body))
    assert max(len(line) for line in shown.split("\n")) <= 110


def test_a_wide_table_continues_below_with_the_columns_that_name_its_rows() -> None:
    rows = [{"task": "t", "arm": arm, **{f"m{i}": "x" * 30 for i in range(5)}} for arm in "ab"]
    lines = text_table(Sheet("t", "s", ["task", "arm", *(f"m{i}" for i in range(5))], rows)).split("\n")
    assert [line.split()[:3] for line in lines if line.startswith("task")] == [
        ["task", "arm", "m0"],
        ["task", "arm", "m3"],
    ]


def test_a_table_without_rows_is_still_a_table() -> None:
    sheet = Sheet("t", "nothing yet", ["arm", "n"], [])
    assert "arm  n" in text_table(sheet)
    assert "| arm | n |" in markdown_table(sheet)


@pytest.mark.parametrize(
    ("name", "cell", "shown"),
    [
        ("n", 1240, "1,240"),
        ("ok", True, "yes"),
        ("ok", False, "no"),
        ("x", None, "n/a"),
        ("cost_usd", 0.0042, "$0.0042"),
        ("latency_s", 1.2345, "1.23 s"),
        ("p_value", 0.00004, "<0.001"),
        ("p_value", 0.0312, "0.031"),
        ("share", 0.00004, "0.000"),
        ("note", "x" * 1000, "x" * 299 + "…"),
    ],
)
def test_a_cell_reads_as_its_column_says(name: str, cell: str | float | None, shown: str) -> None:
    assert cell_text(name, cell) == shown


@given(everything, st.integers(1, 40))
def test_clipped_text_fits_and_says_that_it_was_cut(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert columns_of(clipped) <= limit
    assert clipped == text or clipped.endswith("…")


def test_an_unbounded_interval_is_shown_with_infinity_signs() -> None:
    half_open = Estimate(value=1.0, lower=0.5, upper=float("inf"), unit="usd")
    assert "$1.00 [$0.50, ∞]" in text_table(Sheet("t", "s", ["cost_usd"], [{"cost_usd": half_open}]))
