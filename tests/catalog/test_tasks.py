"""The tasks written for this project: complete, checkable, and renderable for every arm."""

from __future__ import annotations

import pytest

from bizq_lab.catalog import PRESETS, load_catalog
from bizq_lab.catalog.tasks import data_folder, load_tasks
from bizq_lab.errors import InputError

CATALOG = load_catalog()
TYPES = sorted(set(CATALOG.task_types) - {"default"})
# What each check looks for in a task's `expected`.
ANSWERS = {"mentions": "mentions", "answer": "answer", "numbers": "numbers", "fields": "fields"}
# The field that makes a task the task it is.
SUBJECTS = {"topic", "product_name", "news", "page", "question", "case", "order", "notes", "figures", "product"}
CONTEXT_WORDS = 400  # with at most 64 tokens of output, safely inside a context of 2,048 tokens


def test_every_task_type_has_tasks_and_every_file_a_task_type() -> None:
    assert [file.stem for file in sorted(data_folder("tasks").glob("*.jsonl"))] == TYPES


@pytest.mark.parametrize("task_type", TYPES)
def test_a_task_type_has_at_least_a_dozen_tasks_of_its_own(task_type: str) -> None:
    tasks = load_tasks(task_type)
    assert len(tasks) >= 12
    assert {task.type for task in tasks} == {task_type}
    assert all(task.id == task.key for task in tasks)
    assert len({str(task.input) for task in tasks}) == len(tasks), "the same task twice is one task"


def test_no_key_is_used_twice_across_types() -> None:
    keys = [task.key for kind in TYPES for task in load_tasks(kind)]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("task_type", TYPES)
def test_every_task_renders_in_both_variants_and_shows_all_of_its_input(preset: str, task_type: str) -> None:
    catalog = load_catalog(preset)
    for task in load_tasks(task_type):
        plain, example = catalog.render(task), catalog.render(task, "example")
        assert plain.version != example.version
        assert len(example.user) > len(plain.user) / 2
        for prompt in (plain, example):
            assert len(prompt.user.split()) < CONTEXT_WORDS
            assert all(str(task.input[field]) in prompt.user for field in SUBJECTS & set(task.input))


@pytest.mark.parametrize("task_type", TYPES)
def test_every_task_has_an_answer_that_some_rejecting_check_reads(task_type: str) -> None:
    checks = {check.name for check in CATALOG.task_types[task_type].checks if check.severity == "reject"}
    for task in load_tasks(task_type):
        assert any(ANSWERS.get(name) in task.expected for name in checks), task.key


@pytest.mark.parametrize("task_type", TYPES)
def test_nothing_expected_is_ignored_by_the_checks(task_type: str) -> None:
    """A misspelt name would make a check pass whatever is written."""
    read_by = {
        "length": {"min_words", "max_words", "min_characters", "max_characters"},
        "mentions": {"mentions"},
        "banned_terms": {"banned", "banned_terms"},
        "answer": {"answer", "options"},
        "numbers": {"numbers", "only_numbers"},
        "fields": {"fields"},
        "hashtags": {"min_hashtags", "max_hashtags"},
    }
    read = set().union(*(read_by.get(check.name, set()) for check in CATALOG.task_types[task_type].checks))
    for task in load_tasks(task_type):
        assert set(task.expected) <= read, task.key


def test_a_worked_example_is_not_one_of_the_tasks() -> None:
    """Else the example arm would be told an answer."""
    for kind in TYPES:
        template = CATALOG.task_types[kind].prompts["example"].template
        for task in load_tasks(kind):
            own = {name: value for name, value in task.input.items() if name in SUBJECTS}
            assert own
            assert not any(str(value) in template for value in own.values()), task.key


def test_asking_for_tasks_of_another_type_names_the_known() -> None:
    with pytest.raises(InputError, match="no tasks are bundled") as caught:
        load_tasks("legal.review")
    assert "order.process_batch" in caught.value.hint
