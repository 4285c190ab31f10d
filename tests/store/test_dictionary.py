"""The data dictionary: fresh, complete, and nothing in it that the log does not have."""

from __future__ import annotations

from pathlib import Path

from bizq_lab.store.dictionary import column_meanings, data_dictionary, table_columns
from bizq_lab.store.views import views

SCHEMA = Path(__file__).parents[2] / "data" / "SCHEMA.md"


def test_the_committed_dictionary_is_what_the_schema_says() -> None:
    """Regenerate it with: bizq-lab schema > data/SCHEMA.md."""
    assert SCHEMA.read_text("utf-8") == data_dictionary()


def test_every_column_of_every_table_has_a_meaning() -> None:
    meanings = column_meanings()
    unsaid = {
        f"{table}.{column}"
        for table, columns in table_columns().items()
        for column in columns
        if column not in meanings.get(table, {}) and column not in meanings["shared"]
    }
    assert unsaid == set()


def test_no_meaning_is_of_a_column_that_is_not_there() -> None:
    tables = table_columns()
    meanings = column_meanings()
    shared = meanings.pop("shared")
    stale = {f"{table}.{column}" for table, said in meanings.items() for column in said if column not in tables[table]}
    own = {(table, column) for table, said in meanings.items() for column in said}
    used = {column for table, columns in tables.items() for column in columns if (table, column) not in own}
    assert stale | (shared.keys() - used) == set()


def test_every_table_and_view_has_a_section() -> None:
    text = data_dictionary()
    for name in [*table_columns(), *(view.name for view in views())]:
        assert f"### {name}\n" in text


def test_no_cell_of_a_table_breaks_its_row() -> None:
    rows = [line for line in data_dictionary().splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {4}
