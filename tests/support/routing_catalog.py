"""A small catalog built in memory, so that routing's laws do not depend on the shipped presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, cast

from bizq_lab.catalog import Catalog
from bizq_lab.catalog.schema import ModelEntry, PromptSpec, TaskTypeEntry
from bizq_lab.core.ids import digest
from bizq_lab.core.model import ModelConfig, Price, Reason
from bizq_lab.errors import UnknownModel, UnknownTaskType

TODAY = date(2026, 11, 24)
NANO = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class MemoryCatalog:
    """The public face of `Catalog`, over entries made by a test. USD per million tokens in `prices`."""

    models: Mapping[str, ModelEntry]
    task_types: Mapping[str, TaskTypeEntry]
    usd_per_mtok: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)
    name: str = "memory"
    version: str = "v1"
    price_version: str = "p1"
    purpose: Literal["live", "offline"] = "live"
    as_of: date = TODAY

    def resolve(self, name: str) -> ModelEntry:
        for model in self.models.values():
            if name in {model.key, model.model, *model.aliases}:
                return model
        raise UnknownModel.among(name, self.models)

    def price(self, key: str) -> Price:
        pair = self.usd_per_mtok.get(key, (1.0, 2.0))
        if pair is None:
            return Price()
        return Price(input_nano_usd_per_mtok=round(pair[0] * NANO), output_nano_usd_per_mtok=round(pair[1] * NANO))

    def task_type(self, name: str, *, strict: bool = False) -> tuple[TaskTypeEntry, str]:
        if name in self.task_types:
            return self.task_types[name], "exact"
        if strict:
            raise UnknownTaskType.among(name, self.task_types)
        return self.task_types["default"], "default"

    def is_retired(self, key: str) -> bool:
        retired_on = self.models[key].retired_on
        return retired_on is not None and retired_on <= self.as_of

    def prompt_version(self, task_type: str, variant: str = "default") -> str:
        return digest(task_type, variant)[:12]

    def model_config(
        self,
        key: str,
        entry: TaskTypeEntry,
        *,
        variant: str = "default",
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> ModelConfig:
        model = self.models[key]
        wanted = entry.max_tokens if max_tokens is None else max_tokens
        clamped = min(wanted, model.output_limit)
        noted = (Reason("max_tokens_clamped", "", clamped, wanted, "tokens"),) if clamped < wanted else ()
        return ModelConfig(
            provider=model.provider,
            model=model.model,
            api_model=model.api_model,
            temperature=entry.temperature if temperature is None else temperature,
            max_tokens=clamped,
            speed_tier=model.speed_tier,
            tier=model.tier,
            price=self.price(key),
            prompt=variant,
            prompt_version=self.prompt_version(entry.type, variant),
            accepts=model.accepts,
            reasons=(Reason("matrix", entry.reasoning), *noted),
        )


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
    made = MemoryCatalog(
        models={entry.key: entry for entry in models},
        task_types={entry.type: entry for entry in types},
        usd_per_mtok=prices,
        **fields,
    )
    return cast("Catalog", made)
