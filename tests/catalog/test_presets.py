"""The shipped presets: the specification's own numbers, and the models sold today (S1, S2, S4)."""

from __future__ import annotations

from datetime import date
from importlib.metadata import version
from typing import get_args

import pytest

from bizq_lab.catalog import PRESETS, Catalog, load_catalog
from bizq_lab.catalog.schema import BuiltInCheck
from bizq_lab.execution.check_rules import RULES

STUDY = date(2026, 11, 24)
PRICES_READ_FROM = "0.2.3"
# type: model, temperature, max_tokens, speed tier, as the specification's matrix has them.
MATRIX = {
    "content.write_blog_post": ("anthropic/claude-3-opus", 0.7, 4000, "thorough"),
    "content.write_product_description": ("openai/gpt-4", 0.3, 1000, "standard"),
    "content.create_social_post": ("openai/gpt-3.5-turbo", 0.6, 500, "fast"),
    "content.optimize_seo": ("openai/gpt-4", 0.2, 2000, "standard"),
    "customer.answer_inquiry": ("anthropic/claude-3-opus", 0.4, 800, "standard"),
    "customer.process_return": ("openai/gpt-4", 0.1, 600, "standard"),
    "order.process_batch": ("openai/gpt-3.5-turbo", 0.1, 300, "fast"),
    "product.research_trending": ("anthropic/claude-3-opus", 0.5, 3000, "thorough"),
    "analytics.generate_report": ("openai/gpt-4", 0.1, 2000, "standard"),
    "marketing.create_campaign": ("anthropic/claude-3-opus", 0.6, 2500, "thorough"),
}
# USD per token, in and out: MODEL_COSTS.
MODEL_COSTS = {
    "gpt-4": (0.00003, 0.00006),
    "gpt-3.5-turbo": (0.000002, 0.000002),
    "claude-3-opus": (0.000015, 0.000075),
    "claude-3-sonnet": (0.000003, 0.000015),
}
RETIRED = {
    "openai/gpt-4": date(2026, 10, 23),
    "openai/gpt-3.5-turbo": date(2026, 10, 23),
    "anthropic/claude-3-opus": date(2026, 1, 5),
    "anthropic/claude-3-sonnet": date(2025, 7, 21),
}
ORDERINGS = {
    "content.write_product_description": ["gpt-3.5-turbo", "gpt-4", "claude-3-sonnet", "claude-3-opus"],
    "customer.answer_inquiry": ["claude-3-sonnet", "gpt-4", "claude-3-opus", "gpt-3.5-turbo"],
    "order.process_batch": ["gpt-3.5-turbo", "claude-3-sonnet", "gpt-4", "claude-3-opus"],
}


@pytest.fixture(scope="module")
def classic() -> Catalog:
    return load_catalog("classic", as_of=STUDY)


@pytest.fixture(scope="module")
def current() -> Catalog:
    return load_catalog(as_of=STUDY)


@pytest.mark.parametrize("task_type", MATRIX)
def test_s2_classic_is_the_matrix_of_the_specification(classic: Catalog, task_type: str) -> None:
    entry, source = classic.task_type(task_type)
    assert source == "exact"
    assert (entry.model, entry.temperature, entry.max_tokens, entry.speed_tier) == MATRIX[task_type]
    assert set(classic.task_types) == {*MATRIX, "default"}


@pytest.mark.parametrize("model", MODEL_COSTS)
def test_s2_classic_prices_are_exactly_as_written(classic: Catalog, model: str) -> None:
    price = classic.price(model)
    cost_in, cost_out = MODEL_COSTS[model]
    assert price.input_nano_usd_per_mtok == round(cost_in * 1e15)
    assert price.output_nano_usd_per_mtok == round(cost_out * 1e15)
    assert set(classic.models) == set(RETIRED)


def test_s2_classic_is_for_study_and_its_models_are_retired_with_a_replacement_on_sale(
    classic: Catalog, current: Catalog
) -> None:
    assert (classic.purpose, current.purpose) == ("offline", "live")
    for key, retired_on in RETIRED.items():
        assert classic.models[key].retired_on == retired_on
        assert classic.is_retired(key)
        replacement = classic.models[key].replaced_by
        assert replacement is not None
        assert replacement in current.models
        assert not current.is_retired(replacement)


def test_retirement_is_read_at_the_catalogs_date() -> None:
    assert not load_catalog("classic", as_of=date(2026, 10, 22)).is_retired("gpt-4")
    assert load_catalog("classic", as_of=date(2026, 10, 23)).is_retired("gpt-4")


def test_s2_current_is_the_default_and_sells_the_named_models(current: Catalog) -> None:
    assert current.name == "current"
    assert set(current.models) == {
        *(f"openai/{name}" for name in ("gpt-6-luna", "gpt-6.1-terra", "gpt-6.1-sol")),
        *(f"anthropic/claude-{name}" for name in ("haiku-5-5", "sonnet-5-5", "opus-5-5")),
        *(f"local/{name}" for name in ("smollm2-135m", "gemma3-270m")),
    }


def test_no_hosted_current_model_is_sent_a_temperature(current: Catalog) -> None:
    """The current Anthropic API answers 400 to it, and so do the reasoning models."""
    for entry in current.models.values():
        assert ("temperature" in entry.accepts) == (entry.residency == "local")


@pytest.mark.parametrize("task_type", ORDERINGS)
def test_s17_the_specifications_orderings_are_kept(classic: Catalog, task_type: str) -> None:
    models = [key.split("/")[1] for key in classic.task_types[task_type].efficiency]
    assert models == ORDERINGS[task_type]


@pytest.mark.parametrize("preset", PRESETS)
def test_s1_every_task_type_and_the_default_have_an_ordering_by_value(preset: str) -> None:
    catalog = load_catalog(preset, as_of=STUDY)
    for entry in catalog.task_types.values():
        hosted = {key for key, model in catalog.models.items() if model.residency == "remote"}
        assert set(entry.efficiency) == hosted
        assert len(entry.efficiency) == len(hosted)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_price_says_since_when_and_where_it_was_read(preset: str) -> None:
    for entry in load_catalog(preset, as_of=STUDY).models.values():
        assert entry.prices
        assert all(price.source and price.effective_from <= STUDY for price in entry.prices)


@pytest.mark.skipif(
    version("genai-prices") != PRICES_READ_FROM,
    reason="another version may know newer prices: `effective_from` dates ours",
)
def test_current_prices_are_those_of_the_price_package(current: Catalog) -> None:
    """Base prices of the version that the catalog names as its source."""
    from genai_prices import Usage, calc_price  # noqa: PLC0415 - a quarter of a second that only this test needs

    for key, entry in current.models.items():
        if entry.residency == "local":
            continue
        theirs = calc_price(
            Usage(input_tokens=1000, output_tokens=1000), entry.api_model, provider_id=entry.provider
        ).total_price
        ours = current.price(key).cost_nano_usd(1000, 1000)
        assert ours == round(theirs * 1_000_000_000), key


def test_a_local_model_is_priced_by_the_core_second(current: Catalog) -> None:
    price = current.price("local/smollm2-135m")
    assert price.input_nano_usd_per_mtok is None
    assert price.cost_nano_usd(10, 10, core_seconds=3600.0) == pytest.approx(0.04e9, rel=1e-3)


def test_side_effects_are_declared_where_an_answer_acts(current: Catalog) -> None:
    acting = {kind for kind, entry in current.task_types.items() if entry.side_effects}
    assert acting == {"order.process_batch", "customer.process_return"}


def test_s23_refusal_is_only_flagged_by_default(current: Catalog) -> None:
    for entry in current.task_types.values():
        assert {check.severity for check in entry.checks if check.name == "refusal"} == {"flag"}
        assert any(check.severity == "reject" for check in entry.checks)


def test_every_check_a_catalog_may_name_is_implemented() -> None:
    assert set(get_args(BuiltInCheck)) - set(RULES) == {"judge"}, "whom no rule stands for: a model is asked"


def test_only_the_model_of_restricted_terms_is_to_be_opted_into(current: Catalog) -> None:
    assert {key for key, model in current.models.items() if model.opt_in} == {"local/gemma3-270m"}
