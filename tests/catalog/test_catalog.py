"""Asking a loaded catalog: names, task types, prices, prompts, configs (S1, S3, S4, S5)."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.core.task import Task
from bizq_lab.errors import InputError, UnknownModel, UnknownTaskType

STUDY = date(2026, 11, 24)
CATALOG = load_catalog("classic", as_of=STUDY)
DESCRIPTION = "content.write_product_description"


@pytest.mark.parametrize(
    "name", ["anthropic/claude-3-opus", "claude-3-opus", "claude-3-opus-20240229"], ids=["key", "bare", "dated"]
)
def test_s3_key_bare_name_and_dated_id_mean_the_same_model(name: str) -> None:
    assert CATALOG.resolve(name).key == "anthropic/claude-3-opus"


def test_s3_an_alias_resolves() -> None:
    assert CATALOG.resolve("gpt-4-0314").key == "openai/gpt-4"


def test_s3_an_unknown_model_is_refused_with_near_names() -> None:
    with pytest.raises(UnknownModel, match="claude-3-opsu") as caught:
        CATALOG.resolve("claude-3-opsu")
    assert "claude-3-opus" in caught.value.near


@pytest.mark.parametrize(
    ("name", "source", "model"),
    [
        (DESCRIPTION, "exact", "openai/gpt-4"),
        ("content.write_newsletter", "prefix:content.*", "openai/gpt-4"),
        ("content.video.script", "prefix:content.*", "openai/gpt-4"),
        ("customer.greet", "prefix:customer.*", "anthropic/claude-3-opus"),
        ("legal.review", "default", "openai/gpt-4"),
        ("content", "default", "openai/gpt-4"),
        ("default", "default", "openai/gpt-4"),
        ("contents.x", "default", "openai/gpt-4"),
    ],
)
def test_s1_a_task_type_is_found_exactly_by_prefix_or_by_default(name: str, source: str, model: str) -> None:
    entry, found = CATALOG.task_type(name)
    assert (found, entry.model) == (source, model)


def test_s1_a_prefix_takes_the_models_parameters_but_the_defaults_prompt() -> None:
    entry, _ = CATALOG.task_type("content.write_newsletter")
    assert entry.max_tokens == CATALOG.task_types[DESCRIPTION].max_tokens
    assert entry.prompts == CATALOG.task_types["default"].prompts
    assert CATALOG.task_type(entry.type)[0] is entry


@pytest.mark.parametrize("name", ["content.write_newsletter", "content.*", "nothing", "default"])
def test_s1_strict_refuses_whatever_nobody_declared(name: str) -> None:
    with pytest.raises(UnknownTaskType):
        CATALOG.task_type(name, strict=True)


def test_s1_strict_names_near_matches() -> None:
    with pytest.raises(UnknownTaskType, match=r"order\.process_batch"):
        CATALOG.task_type("order.proces_batch", strict=True)


@given(st.text(max_size=60))
def test_s1_any_name_at_all_finds_some_entry(name: str) -> None:
    entry, source = CATALOG.task_type(name)
    assert entry.prompts
    assert source.split(":")[0] in {"exact", "prefix", "default"}


def test_s4_the_price_in_force_is_the_latest_that_has_begun(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        '[[models]]\nprovider="openai"\nmodel="gpt-4"\nprices=['
        '{effective_from=2026-12-01,source="b",input=7,output=8},{effective_from=2026-11-01,source="a",input=5,output=6}]'
    )
    before, first, then = (
        load_catalog("classic", override=file, as_of=day).price("gpt-4")
        for day in (date(2026, 10, 31), date(2026, 11, 30), date(2026, 12, 1))
    )
    assert (first.source, first.input_nano_usd_per_mtok) == ("a", 5_000_000_000)
    assert (then.source, then.input_nano_usd_per_mtok) == ("b", 7_000_000_000)
    assert not before.known


def test_s4_an_unknown_price_costs_none_never_nothing() -> None:
    price = load_catalog("classic", as_of=date(2020, 1, 1)).price("gpt-4")
    assert price.cost_nano_usd(1000, 1000) is None


@pytest.mark.parametrize(("asked", "given_", "clamped"), [(None, 4000, False), (4096, 4096, False), (9000, 4096, True)])
def test_s5_output_is_clamped_to_the_models_limit_and_says_so(asked: int | None, given_: int, *, clamped: bool) -> None:
    entry, _ = CATALOG.task_type("content.write_blog_post")
    config = CATALOG.model_config("claude-3-opus", entry, max_tokens=asked)
    assert config.max_tokens == given_
    assert ("max_tokens_clamped" in {reason.code for reason in config.reasons}) is clamped


def test_s5_a_context_window_below_the_output_limit_clamps_too(tmp_path: Path) -> None:
    file = tmp_path / "small.toml"
    file.write_text('[[models]]\nprovider="openai"\nmodel="gpt-4"\ncontext_window=512\n')
    catalog = load_catalog("classic", override=file, as_of=STUDY)
    config = catalog.model_config("gpt-4", catalog.task_types[DESCRIPTION])
    assert config.max_tokens == 512
    assert "context window" in config.reasoning


def test_s10_a_config_has_the_models_identity_and_the_tasks_parameters() -> None:
    entry, _ = CATALOG.task_type("customer.process_return")
    config = CATALOG.model_config("claude-3-sonnet", entry, variant="example")
    assert (config.key, config.temperature, config.max_tokens) == ("anthropic/claude-3-sonnet", 0.1, 600)
    assert config.price == CATALOG.price("claude-3-sonnet")
    assert (config.prompt, config.prompt_version) == ("example", CATALOG.prompt_version(entry.type, "example"))
    assert config is CATALOG.model_config("claude-3-sonnet", entry, variant="example")


def test_the_base_model_keeps_the_specifications_reasoning() -> None:
    entry, _ = CATALOG.task_type("order.process_batch")
    assert entry.reasoning in CATALOG.model_config(entry.model, entry).reasoning
    assert entry.reasoning not in CATALOG.model_config("gpt-4", entry).reasoning


def test_a_limit_below_one_token_is_refused() -> None:
    with pytest.raises(InputError, match="max_tokens == 0"):
        CATALOG.model_config("gpt-4", CATALOG.task_types[DESCRIPTION], max_tokens=0)


def test_an_unknown_prompt_variant_is_refused_naming_the_known() -> None:
    with pytest.raises(InputError, match="known: default, example"):
        CATALOG.prompt_version(DESCRIPTION, "fancy")


def test_s3_variants_have_versions_of_their_own() -> None:
    versions = {(kind, v): CATALOG.prompt_version(kind, v) for kind, e in CATALOG.task_types.items() for v in e.prompts}
    assert len(set(versions.values())) == len(versions)


def _description(**changes: JsonValue) -> Task:
    fields: dict[str, JsonValue] = {"product_name": "Kettle", "features": ["steel body"], "platform": "shopify"}
    return Task(type=DESCRIPTION, input=fields | changes)


@pytest.mark.parametrize(
    "attack", ["{{7*7}}", "{% for x in range(9) %}a{% endfor %}", "{{ input.__class__ }}", "{#x#}"]
)
@pytest.mark.parametrize("variant", ["default", "example"])
def test_s3_input_is_data_and_never_template(attack: str, variant: str) -> None:
    assert attack in CATALOG.render(_description(product_name=attack), variant).user


def test_a_prompt_is_text_and_nothing_in_it_is_escaped() -> None:
    assert 'a <b> & "c"' in CATALOG.render(_description(product_name='a <b> & "c"')).user


def test_a_missing_field_is_one_error_that_names_it() -> None:
    with pytest.raises(InputError, match="lacks the field 'features'") as caught:
        CATALOG.render(Task(type=DESCRIPTION, input={"product_name": "Kettle", "platform": "shopify"}))
    assert "product_name" in caught.value.hint


def test_a_field_of_the_wrong_form_is_one_error() -> None:
    with pytest.raises(InputError, match="cannot fill its prompt"):
        CATALOG.render(_description(features=7))


def test_a_task_nobody_declared_is_rendered_from_all_of_its_input() -> None:
    prompt = CATALOG.render(Task(type="content.newsletter", input={"items": "tea", "keys": "{{x}}"}))
    assert "items: tea" in prompt.user
    assert "keys: {{x}}" in prompt.user


def test_versions_change_with_what_they_are_versions_of(tmp_path: Path) -> None:
    file = tmp_path / "o.toml"
    file.write_text('[task_types."order.process_batch".prompts.default]\ntemplate = "Do it: {{ input.order }}"\n')
    changed: Catalog = load_catalog("classic", override=file, as_of=STUDY)
    assert changed.version != CATALOG.version
    assert changed.price_version == CATALOG.price_version
    assert changed.prompt_version("order.process_batch") != CATALOG.prompt_version("order.process_batch")
    assert changed.prompt_version(DESCRIPTION) == CATALOG.prompt_version(DESCRIPTION)


def test_versions_are_the_same_in_every_process() -> None:
    """Sets have an order of their own in each process; a hash over one would differ."""
    code = "from bizq_lab.catalog import load_catalog as l; c = l(); print(c.version, c.price_version)"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(seen) == 1


def test_a_loaded_catalog_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CATALOG.models["x"] = None  # type: ignore[index]


def test_loading_a_preset_does_not_load_the_template_engine() -> None:
    code = "import sys; from bizq_lab.catalog import load_catalog; load_catalog(); print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "False"
