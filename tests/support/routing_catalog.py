"""A small catalog built in memory, so that routing's laws do not depend on the shipped presets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from bizq_lab.catalog import Catalog
from bizq_lab.catalog.schema import ModelEntry, PriceEntry, PromptSpec, TaskTypeEntry

TODAY = date(2026, 11, 24)


def model(key: str, **changes: Any) -> ModelEntry:
    """A standard model that accepts everything, unless told otherwise."""
    provider, name = key.split("/", 1)
    fields = {
        "provider": provider,
        "model": name,
        "api_model": name,
        "tier": "standard",
        "speed_tier": "standard",
        "context_window": 100_000,
        "output_limit": 8_000,
        "accepts": frozenset({"temperature", "seed"}),
        "quality_prior": 0.7,
        "latency_prior_s": 4.0,
    }
    return ModelEntry.model_validate({**fields, **changes})


def task_type(name: str, base: str, **changes: Any) -> TaskTypeEntry:
    """A task type worth half a dollar."""
    fields = {
        "type": name,
        "model": base,
        "temperature": 0.5,
        "max_tokens": 2_000,
        "min_tokens": 200,
        "speed_tier": "standard",
        "reasoning": "because the test says so",
        "prompts": {
            "default": PromptSpec(template="Do it: {{ input }}"),
            "example": PromptSpec(template="As here: {{ input }}"),
        },
        "value_usd": 0.5,
    }
    return TaskTypeEntry.model_validate({**fields, **changes})


MODELS = (
    model("openai/small", tier="economy", speed_tier="fast", quality_prior=0.55, latency_prior_s=1.5),
    model("openai/medium", quality_prior=0.75),
    model("openai/large", tier="premium", speed_tier="thorough", quality_prior=0.9, latency_prior_s=12.0),
    model(
        "anthropic/little",
        tier="economy",
        speed_tier="fast",
        quality_prior=0.6,
        latency_prior_s=2.0,
        accepts=frozenset(),
    ),
    model("anthropic/middle", quality_prior=0.8, latency_prior_s=5.0, accepts=frozenset()),
    model(
        "anthropic/great",
        tier="premium",
        speed_tier="thorough",
        quality_prior=0.93,
        latency_prior_s=15.0,
        accepts=frozenset(),
    ),
    model(
        "local/tiny", tier="economy", residency="local", quality_prior=0.2, context_window=2_048, latency_prior_s=8.0
    ),
)
PRICES: dict[str, tuple[float, float] | None] = {
    "openai/small": (0.2, 0.8),
    "openai/medium": (2.5, 10.0),
    "openai/large": (15.0, 75.0),
    "anthropic/little": (0.3, 1.2),
    "anthropic/middle": (3.0, 15.0),
    "anthropic/great": (15.0, 75.0),
    "local/tiny": (0.0, 0.0),
}
TYPES = (
    task_type("default", "openai/medium"),
    task_type("work.write", "openai/medium"),
    task_type("work.batch", "openai/small", min_tokens=0, max_tokens=300, value_usd=0.05),
    task_type("work.research", "anthropic/great", max_tokens=4_000, min_tokens=1_500, value_usd=3.0),
)


def catalog(
    models: tuple[ModelEntry, ...] = MODELS,
    types: tuple[TaskTypeEntry, ...] = TYPES,
    prices: Mapping[str, tuple[float, float] | None] = PRICES,
    **fields: Any,
) -> Catalog:
    """A catalog of these entries; seven models of three tiers and three providers by default."""
    return Catalog(
        **{
            "name": "memory",
            "purpose": "live",
            "as_of": TODAY,
            "models": {entry.key: priced(entry, prices.get(entry.key, (1.0, 2.0))) for entry in models},
            "task_types": {entry.type: entry for entry in types},
            **fields,
        }
    )


def priced(entry: ModelEntry, usd_per_mtok: tuple[float, float] | None) -> ModelEntry:
    """The model with one price for input and output; None leaves it unpriced."""
    if usd_per_mtok is None:
        return entry
    price = PriceEntry(effective_from=date(2026, 1, 1), source="test", input=usd_per_mtok[0], output=usd_per_mtok[1])
    return entry.model_copy(update={"prices": (price,)})
