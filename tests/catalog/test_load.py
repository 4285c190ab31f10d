"""From a file to a catalog: what an override adds, and what a bad one is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.core.task import Task
from bizq_lab.errors import InvalidCatalog

STUDY = date(2026, 11, 24)
NEW_MODEL = """
[[models]]
provider = "openai"
model = "gpt-7"
api_model = "gpt-7-2027-01-01"
tier = "premium"
speed_tier = "standard"
context_window = 1000
output_limit = 500
"""


def _load(tmp_path: Path, text: str) -> Catalog:
    file = tmp_path / "own.toml"
    file.write_text(text)
    return load_catalog(override=file, as_of=STUDY)


def test_an_override_adds_a_model(tmp_path: Path) -> None:
    catalog = _load(tmp_path, NEW_MODEL)
    assert catalog.resolve("gpt-7-2027-01-01").key == "openai/gpt-7"
    assert len(catalog.models) == 9


def test_an_override_replaces_only_the_fields_it_names(tmp_path: Path) -> None:
    catalog = _load(tmp_path, '[task_types."order.process_batch"]\nvalue_usd = 9.5\n')
    assert catalog.task_types["order.process_batch"].value_usd == 9.5
    assert catalog.task_types["order.process_batch"].max_tokens == 300


def test_an_override_adds_a_task_type(tmp_path: Path) -> None:
    catalog = _load(
        tmp_path,
        '[task_types."legal.review"]\nmodel="openai/gpt-6-luna"\ntemperature=0\nmax_tokens=50\nspeed_tier="fast"\n'
        'reasoning="short"\nvalue_usd=1\nprompts={default={template="Check: {{ input.clause }}"}}\n',
    )
    assert catalog.task_type("legal.review")[1] == "exact"
    assert catalog.task_type("legal.sign")[1] == "prefix:legal.*"
    assert catalog.render(Task(type="legal.review", input={"clause": "x"})).user == "Check: x"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models = [", "is not TOML"),
        ("models = 3", "models"),
        ("models = [3]", "models.0"),
        ("colour = 1", "colour"),
        ('purpose = "fun"', "'fun'"),
        (NEW_MODEL.replace("premium", "gold"), "'gold'"),
        (NEW_MODEL.replace("500", "-5"), "output_limit"),
        (NEW_MODEL + 'replaced_by = "gpt-8"', "replaced_by == 'gpt-8'"),
        ("task_types = 3", "task_types"),
        ('[task_types."order.process_batch"]\nmodel = "openai/gpt-9"', "openai/gpt-9"),
        ('[task_types."order.process_batch"]\nefficiency = ["nope"]', "nope"),
        ('[task_types."order.process_batch"]\nchecks = [{name="vibes",severity="flag"}]', "vibes"),
        ('[task_types."order.process_batch"]\nstands_for = "content.*"', "is not a prefix"),
        ('[task_types."content.optimize_seo"]\nstands_for = "content.*"', "two task types stand for"),
        ('[task_types."order.process_batch".prompts.default]\ntemplate = "{{ input."', "not valid Jinja"),
    ],
)
def test_a_bad_catalog_is_one_error_with_file_place_and_hint(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidCatalog) as caught:
        _load(tmp_path, text)
    assert "own.toml" in caught.value.message
    assert said in caught.value.message
    assert caught.value.hint


def test_a_task_type_without_a_plain_prompt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCatalog, match="no 'default'"):
        _load(
            tmp_path,
            '[task_types.x]\nmodel="openai/gpt-6-luna"\ntemperature=0\nmax_tokens=5\nspeed_tier="fast"\n'
            'reasoning=""\nvalue_usd=1\nprompts={other={template="a"}}\n',
        )


def test_a_missing_or_unreadable_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidCatalog, match="cannot be read"):
        load_catalog(override=tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InvalidCatalog, match="cannot be read"):
        load_catalog(override=tmp_path / "latin.toml")


def test_an_unknown_preset_is_refused_naming_the_known() -> None:
    with pytest.raises(InvalidCatalog, match="current, classic"):
        load_catalog("modern")


def test_a_template_cannot_reach_out_of_its_sandbox(tmp_path: Path) -> None:
    template = "{{ input.__class__.__mro__ }}"
    catalog = _load(tmp_path, f'[task_types."order.process_batch".prompts.default]\ntemplate = "{template}"\n')
    with pytest.raises(ValueError, match=r"cannot fill its prompt|lacks the field"):
        catalog.render(Task(type="order.process_batch", input={}))
