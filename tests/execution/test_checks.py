"""Acceptance checks: what passes, what fails, and that no output can trip them (S7, S23)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from bizq_lab.catalog import load_catalog
from bizq_lab.catalog.schema import CheckSpec, TaskTypeEntry
from bizq_lab.core.execution import CheckResult, ProviderReply, Usage
from bizq_lab.core.task import Task
from bizq_lab.execution.check_rules import RULES
from bizq_lab.execution.checks import is_acceptable, run_checks, share_passed

DEFAULT = load_catalog().task_types["default"]
EVERYTHING: dict[str, JsonValue] = {
    "min_words": 1,
    "max_characters": 500,
    "mentions": ["steel", ["two", "2"]],
    "banned": ["cheap"],
    "answer": "deny",
    "options": ["approve", "deny"],
    "fields": {"order": "7"},
    "json_fields": ["order"],
    "numbers": [7],
    "only_numbers": [7, 2],
    "max_hashtags": 2,
}


def _entry(*names: str, severity: str = "reject", **params: JsonValue) -> TaskTypeEntry:
    specs = tuple(CheckSpec.model_validate({"name": n, "severity": severity, "params": params}) for n in names)
    return DEFAULT.model_copy(update={"checks": specs})


def _reply(text: str, finish_reason: str = "stop") -> ProviderReply:
    return ProviderReply(text=text, finish_reason=finish_reason, served_model="m", usage=Usage(), response_time_s=0.1)


def _passes(name: str, text: str, expected: dict[str, JsonValue], finish_reason: str = "stop") -> bool:
    (result,) = run_checks(_entry(name), Task(type="x", expected=expected), _reply(text, finish_reason))
    assert bool(result.detail) is not result.passed
    return result.passed


@pytest.mark.parametrize(
    ("name", "text", "expected", "passes"),
    [
        ("non_empty", "a", {}, True),
        ("non_empty", " \n\t", {}, False),
        ("length", "one two", {"min_words": 2, "max_words": 2}, True),
        ("length", "one two three", {"max_words": 2}, False),
        ("length", "one", {"min_words": 2}, False),
        ("length", "x" * 60, {"max_characters": 60}, True),
        ("length", "x" * 61, {"max_characters": 60}, False),
        ("length", " " * 99 + "x", {"max_characters": 60}, True),
        ("mentions", "A Noise-Cancelling headset", {"mentions": ["noise cancelling"]}, True),
        ("mentions", "The mugs are here", {"mentions": ["mug"]}, True),
        ("mentions", "smug", {"mentions": ["mug"]}, False),
        ("mentions", "in three days", {"mentions": [["3", "three"]]}, True),
        ("mentions", "in 13 days", {"mentions": ["3"]}, False),
        ("mentions", "in 30 days", {"mentions": ["3"]}, False),
        ("mentions", "3.5 days", {"mentions": ["3"]}, False),
        ("mentions", "in 3. Then", {"mentions": ["3"]}, True),
        ("mentions", "steel only", {"mentions": ["steel", "cork"]}, False),
        ("mentions", "Come! #SunDay", {"mentions": ["#SunDay"]}, True),
        ("mentions", "it\u2019s the children\u2019s", {"mentions": ["children's"]}, True),
        ("mentions", "(a+)+$ .*", {"mentions": [".*"]}, True),
        ("banned_terms", "We do not ship there", {"banned": ["do not ship"]}, False),
        ("banned_terms", "We ship there", {"banned": ["do not ship"]}, True),
        ("refusal", "I'm sorry, but I can't do that.", {}, False),
        ("refusal", "As an AI language model I have no shop", {}, False),
        ("refusal", "I cannot assist with this request", {}, False),
        ("refusal", "We are sorry for the delay; I can help you.", {}, True),
        ("placeholder", "Best, [Your Name]", {}, False),
        ("placeholder", "Dear <customer name>,", {}, False),
        ("placeholder", "Lorem Ipsum dolor", {}, False),
        ("placeholder", "TODO: write", {}, False),
        ("placeholder", "Hello {{name}}", {}, False),
        ("placeholder", "We stock todos os livros [in Lisbon]", {}, True),
        ("answer", "Approve. It is unused.", {"answer": "approve", "options": ["approve", "deny"]}, True),
        ("answer", "**DENIED**: too late", {"answer": "deny", "options": ["approve", "deny"]}, True),
        ("answer", "**Deny**: too late", {"answer": "deny", "options": ["approve", "deny"]}, True),
        ("answer", "The return is approved", {"answer": "approve", "options": ["approve", "deny"]}, True),
        ("answer", "Deny; we cannot approve", {"answer": "approve", "options": ["approve", "deny"]}, False),
        ("answer", "disapprove", {"answer": "approve", "options": ["approve", "deny"]}, False),
        ("answer", "Approve or deny? Approved.", {"answer": "approve", "options": ["approve", "deny"]}, True),
        ("answer", "Decide: approve or deny.", {"answer": "approve", "options": ["approve", "deny"]}, False),
        ("answer", "Not approved: it is denied.", {"answer": "deny", "options": ["approve", "deny"]}, True),
        ("answer", "The return cannot be approved", {"answer": "approve", "options": ["approve", "deny"]}, False),
        ("answer", "perhaps", {"answer": "approve", "options": ["approve", "deny"]}, False),
        (
            "fields",
            "order: 7731\nItem: **mugs**\n- Quantity: 4.",
            {"fields": {"order": "7731", "item": "mugs", "quantity": 4}},
            True,
        ),
        ("fields", 'Here: {"order": 7731, "item": "Mugs"}', {"fields": {"order": "7731", "item": "mugs"}}, True),
        ("fields", "order: 7732", {"fields": {"order": "7731"}}, False),
        ("fields", "7731", {"fields": {"order": "7731"}}, False),
        ("fields", "quantity: four", {"fields": {"quantity": ["4", "four"]}}, True),
        ("json_fields", 'ok {"a": 1, "b": null}', {"json_fields": ["a", "b"]}, True),
        ("json_fields", '{"a": 1}', {"json_fields": ["a", "b"]}, False),
        ("json_fields", "[1]", {"json_fields": ["a"]}, False),
        ("numbers", "sales of 1,250 in May", {"numbers": [1250]}, True),
        ("numbers", "sales of 12,50", {"numbers": [50]}, False),
        ("numbers", "4 mugs, order 7731", {"numbers": [4], "only_numbers": [7731]}, True),
        ("numbers", "4 mugs, order 7731, page 2", {"numbers": [4], "only_numbers": [7731]}, False),
        ("hashtags", "#a #b", {"max_hashtags": 2}, True),
        ("hashtags", "#a #b #c", {"max_hashtags": 2}, False),
        ("hashtags", "none", {"min_hashtags": 1}, False),
    ],
)
def test_a_check_passes_what_a_business_would_accept(
    name: str, text: str, expected: dict[str, JsonValue], *, passes: bool
) -> None:
    assert _passes(name, text, expected) is passes


@pytest.mark.parametrize(("reason", "passes"), [("stop", True), ("end_turn", True), ("length", False), ("", False)])
def test_only_a_model_that_stopped_by_itself_has_finished(reason: str, *, passes: bool) -> None:
    assert _passes("finish_reason", "a", {}, reason) is passes


@pytest.mark.parametrize("reason", ["refusal", "content_filter"])
def test_a_refusal_that_the_provider_reports_is_one_whatever_the_text(reason: str) -> None:
    assert not _passes("refusal", "fine", {}, reason)


def test_what_the_task_expects_wins_over_the_task_types_parameter() -> None:
    entry = _entry("length", max_words=1)
    assert not run_checks(entry, Task(type="x"), _reply("a b"))[0].passed
    assert run_checks(entry, Task(type="x", expected={"max_words": 2}), _reply("a b"))[0].passed


@pytest.mark.parametrize(("severity", "accepted"), [("reject", False), ("flag", True)])
def test_s23_only_a_failed_check_that_rejects_makes_an_output_unacceptable(severity: str, *, accepted: bool) -> None:
    checks = run_checks(_entry("non_empty", severity=severity), Task(type="x"), _reply(""))
    assert is_acceptable(checks) is accepted


def test_s7_quality_is_the_share_of_content_checks_passed() -> None:
    finish, good, bad = (
        CheckResult("finish_reason", passed=False, severity="flag"),
        CheckResult("mentions", passed=True, severity="reject"),
        CheckResult("length", passed=False, severity="flag"),
    )
    assert share_passed([finish, good, bad]) == 0.5
    assert share_passed([finish, good]) == 1.0


def test_s7_an_empty_answer_has_quality_zero_and_no_checks_measure_nothing() -> None:
    assert (
        share_passed(
            [
                CheckResult("non_empty", passed=False, severity="reject"),
                CheckResult("refusal", passed=True, severity="flag"),
            ]
        )
        == 0.0
    )
    assert share_passed([CheckResult("finish_reason", passed=True, severity="flag")]) is None
    assert share_passed([]) is None


hostile = st.text(st.characters(), max_size=300) | st.text('[]{}:"#0,.\n\\aA-', max_size=400)


@given(hostile, st.sampled_from(["stop", "length", "", "\x00"]))
def test_no_output_raises_and_each_is_judged_the_same_twice(text: str, reason: str) -> None:
    entry, task = _entry(*RULES), Task(type="x", expected=EVERYTHING)
    first = run_checks(entry, task, _reply(text, reason))
    assert first == run_checks(entry, task, _reply(text, reason))
    assert [check.name for check in first] == list(RULES)
    share = share_passed(first)
    assert share is not None
    assert 0.0 <= share <= 1.0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(EVERYTHING, json_values)), hostile)
def test_no_expectation_however_malformed_raises(expected: dict[str, JsonValue], text: str) -> None:
    results = run_checks(_entry(*RULES), Task(type="x", expected=expected), _reply(text))
    assert len(results) == len(RULES)


@pytest.mark.parametrize(
    "unit", ["a", " ", "1", "1,", "{", '{"a":', "[your ", "-", "i'm sorry ", "x", "#", "\n:", "\ufdfa", "\ud800"]
)
def test_a_megabyte_of_anything_is_read_in_bounded_work(unit: str) -> None:
    """A pattern that backtracked would not come back from this within a lifetime."""
    results = run_checks(_entry(*RULES), Task(type="x", expected=EVERYTHING), _reply(unit * (1_000_000 // len(unit))))
    assert len(results) == len(RULES)


def test_a_long_output_is_measured_whole_though_read_in_part() -> None:
    assert not _passes("length", "a" * 1_000_000, {"max_characters": 999_999})
