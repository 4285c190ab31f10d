"""Every answer keeps one protocol, in every rendering, and never more than text in any of them."""

import importlib
import json
import pkgutil
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bizq_lab
from bizq_lab.core.display import Sheet
from bizq_lab.core.estimate import Estimate
from bizq_lab.core.markup import html_table
from bizq_lab.core.result import Result
from tests.support.hostile import PAYLOADS, foreign_markup, unprintable, visible_text
from tests.support.report_answers import ArmTable, arm_table, comparison, estimate

OWNED_BY_BASE = (
    "to_dicts",
    "to_dict",
    "to_frame",
    "to_markdown",
    "to_html",
    "notes",
    "methods",
    "sheet",
    "_repr_html_",
    "__str__",
    "__repr__",
)


def every_result_class() -> list[type[Result]]:
    """All answers of the package, found by importing it whole."""
    for module in pkgutil.walk_packages(bizq_lab.__path__, "bizq_lab."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(cls: type[Result]) -> Iterator[type[Result]]:
        for child in cls.__subclasses__():
            yield child
            yield from below(child)

    return sorted(
        {cls for cls in below(Result) if cls.__module__.startswith("bizq_lab.")}, key=lambda cls: cls.__qualname__
    )


def test_every_answer_has_title_columns_sentence_rows_and_the_base_renderings() -> None:
    """A dataclass that forgets `repr=False` would show its constructor in a notebook."""
    classes = every_result_class()
    assert classes
    for cls in classes:
        assert cls.title, cls
        assert cls.columns, cls
        assert len(set(cls.columns)) == len(cls.columns), cls
        assert cls.__doc__, cls
        for name in ("summary", "records"):
            assert getattr(cls, name) is not getattr(Result, name), f"{cls.__name__} must implement {name}"
        for name in OWNED_BY_BASE:
            assert getattr(cls, name) is getattr(Result, name), f"{cls.__name__} must not override {name}"


@pytest.mark.parametrize("answer", [arm_table(), comparison()], ids=["arms", "comparison"])
def test_rows_hold_exactly_the_columns_and_flatten_to_value_lower_upper(answer: Result) -> None:
    for record, flat in zip(answer.records(), answer.to_dicts(), strict=True):
        assert tuple(record) == answer.columns
        for name, cell in record.items():
            expected = {name, f"{name}_lower", f"{name}_upper"} if isinstance(cell, Estimate) else {name}
            assert expected <= set(flat)
    assert list(answer.to_frame().columns) == list(answer.to_dicts()[0])


@pytest.mark.parametrize("answer", [arm_table(), comparison()], ids=["arms", "comparison"])
def test_all_renderings_are_deterministic_and_repr_is_the_text(answer: Result) -> None:
    assert repr(answer) == str(answer)
    assert answer._repr_html_() == answer._repr_html_()
    assert answer.to_markdown() == answer.to_markdown()


def test_every_rendering_says_title_sentence_caveat_method_and_provenance() -> None:
    answer = arm_table()
    html = visible_text(answer._repr_html_())
    for shown in (str(answer), answer.to_markdown().replace("\\", ""), html):
        for part in ("Arms", "2 arms.", "Few tasks [few]", "Wilson score over tasks", "80 decisions", "seed 7"):
            assert part in shown


def test_to_dict_is_strict_json_and_an_infinite_bound_is_null() -> None:
    class HalfOpen(ArmTable):
        def records(self) -> list[dict[str, object]]:  # type: ignore[override] # the cell is what matters here
            return [
                {
                    **dict.fromkeys(self.columns),
                    "success": Estimate(value=1.0, lower=0.0, upper=float("inf"), unit="ratio"),
                }
            ]

    data = json.loads(json.dumps(HalfOpen().to_dict(), allow_nan=False))
    assert data["rows"][0]["success_upper"] is None
    assert data["units"] == {"success": "ratio", "cost_usd": "usd"}


def test_a_column_without_any_value_is_in_the_data_but_takes_no_room() -> None:
    answer = ArmTable()
    assert "note" in answer.to_dicts()[0]
    assert "note" not in answer.sheet().columns
    assert "note" in ArmTable(note="said").sheet().columns


def test_methods_name_each_procedure_once_for_each_level() -> None:
    assert arm_table().methods() == ["95 % intervals: Wilson score over tasks, bootstrap over tasks"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_becomes_markup_in_a_notebook(payload: str) -> None:
    html = arm_table(payload)._repr_html_()
    assert foreign_markup(html) == []
    assert not unprintable(html)


@given(st.text(st.characters(codec=None), max_size=80))
def test_no_text_whatever_becomes_markup_in_a_notebook(text: str) -> None:
    html = html_table(Sheet(text, text, [text], [{text: text}], [text], text))
    assert foreign_markup(html) == []


def test_a_payload_is_shown_and_not_dropped() -> None:
    payload = "<script>alert(1)</script>"
    assert payload in visible_text(arm_table(payload)._repr_html_())


def test_a_known_verdict_is_a_badge_and_other_text_is_not() -> None:
    html = arm_table()._repr_html_()
    assert '<span class="bizq-badge bizq-good">winner</span>' in html
    assert '<span class="bizq-badge">inconclusive</span>' in html
    assert "badge" not in html_table(Sheet("t", "s", ["arm"], [{"arm": "winner"}]), style=False)


def test_intervals_of_a_column_share_one_scale_and_mixed_units_have_no_bars() -> None:
    same = [{"d": estimate(0.0, 1.0)}, {"d": estimate(1.0, 1.0)}]
    html = html_table(Sheet("t", "s", ["d"], same), style=False)
    assert 'cx="29.3"' in html
    assert 'cx="54.7"' in html
    mixed = [{"d": estimate(0.0, 1.0, "usd")}, {"d": estimate(1.0, 1.0, "s")}]
    assert "<svg" not in html_table(Sheet("t", "s", ["d"], mixed), style=False)


def test_an_unbounded_interval_draws_to_the_edge_and_nothing_else_moves() -> None:
    rows = [{"d": estimate(0.0, 1.0)}, {"d": Estimate(value=0.5, lower=float("-inf"), upper=float("inf"))}]
    html = html_table(Sheet("t", "s", ["d"], rows), style=False)
    assert 'd="M4.0 6H80.0"' in html
    assert "inf" not in html


@pytest.mark.parametrize("method", ["summary", "records", "plot"])
def test_the_base_answers_nothing(method: str) -> None:
    with pytest.raises(NotImplementedError):
        getattr(Result(), method)()


def test_a_table_of_many_estimates_keeps_its_width_for_numbers() -> None:
    rows = [{name: estimate(value, 1.0) for name in "abcd"} for value in (0.0, 1.0)]
    assert "<svg" in html_table(Sheet("t", "s", ["a", "b", "c"], rows), style=False)
    assert "<svg" not in html_table(Sheet("t", "s", ["a", "b", "c", "d"], rows), style=False)
