"""A loaded catalog: models, prices and task types, ready to be asked. Pure after loading; knows no file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from bizq_lab.catalog.prefixes import DEFAULT_TYPE, prefix_entries, prefixes_of
from bizq_lab.catalog.prompts import render_template, template_hash
from bizq_lab.catalog.schema import ModelEntry, PriceEntry, TaskTypeEntry
from bizq_lab.core.display import Sheet
from bizq_lab.core.ids import digest
from bizq_lab.core.model import ModelConfig, Price, Reason
from bizq_lab.core.money import NANO_PER_USD
from bizq_lab.core.noun import Noun
from bizq_lab.core.task import Task
from bizq_lab.errors import InputError, UnknownModel, UnknownTaskType

NANO = 1_000_000_000
# What an API takes whatever the model: `/v1/messages` has no sampling parameter left, llama.cpp has them all.
ALWAYS_ACCEPTED: Mapping[str, frozenset[str]] = {
    "anthropic": frozenset({"stop"}),
    "local": frozenset({"stop", "top_p"}),
}
MAX_CACHED = 10_000  # a sweep over temperatures must not grow the cache without end


class Prompt(NamedTuple):
    """A rendered prompt and the version of its template."""

    system: str
    user: str
    version: str


class Catalog(Noun):
    """Models, prices and task types at one date (S1 to S5).

    Attributes:
        name: Preset or file it came from.
        purpose: `offline` catalogs are for replay, simulation and study (S2).
        as_of: The date prices and retirements are read at.
        models: By key `provider/model`.
        task_types: By name; always with `default`.
        price_version: Changes with any price.
        version: Changes with anything.
    """

    def __init__(
        self,
        *,
        name: str,
        purpose: Literal["live", "offline"],
        as_of: date,
        models: Mapping[str, ModelEntry],
        task_types: Mapping[str, TaskTypeEntry],
    ) -> None:
        """Index what was loaded; see `load_catalog`."""
        self.name = name
        self.purpose = purpose
        self.as_of = as_of
        self.models = MappingProxyType(dict(models))
        self.task_types = MappingProxyType(dict(task_types))
        book = sorted((key, entry.model_dump_json(include={"prices"})) for key, entry in self.models.items())
        self.price_version = digest(book)[:16]
        content = [entry.model_dump_json() for _, entry in sorted(self.models.items())]
        content += [entry.model_dump_json() for _, entry in sorted(self.task_types.items())]
        self.version = digest(name, purpose, *content)[:16]
        self._names = _names(self.models)
        self._prices = {key: self._price(entry) for key, entry in self.models.items()}
        prefixed = prefix_entries(self.task_types)
        self._found = {kind: (entry, "exact") for kind, entry in self.task_types.items() if kind != DEFAULT_TYPE}
        self._found |= {kind: (entry, f"prefix:{kind}") for kind, entry in prefixed.items()}
        self._fallback = (self.task_types[DEFAULT_TYPE], DEFAULT_TYPE)
        self._prompts = {
            (kind, variant): template_hash(spec)
            for kind, (entry, _) in {**self._found, DEFAULT_TYPE: self._fallback}.items()
            for variant, spec in entry.prompts.items()
        }
        self._configs: dict[tuple[str, str, str, float | None, int | None], ModelConfig] = {}

    def sheet(self) -> Sheet:
        """Its models with what a million tokens cost, cheapest first."""
        rows = [self._row(key, entry) for key, entry in self.models.items()]
        return Sheet(
            title=f"Catalog {self.name}",
            summary=f"{len(self.models)} models, {len(self.task_types)} task types, as of {self.as_of}.",
            columns=(
                "model",
                "tier",
                "speed",
                "context_tokens",
                "input_per_mtok_usd",
                "output_per_mtok_usd",
                "retired",
            ),
            rows=sorted(rows, key=lambda row: (row["input_per_mtok_usd"] or 0.0, str(row["model"]))),
            notes=f"prices {self.price_version}",
        )

    def _row(self, key: str, entry: ModelEntry) -> dict[str, Any]:
        price = self._prices[key]
        per_mtok = price.input_nano_usd_per_mtok, price.output_nano_usd_per_mtok
        return {
            "model": key,
            "tier": entry.tier,
            "speed": entry.speed_tier,
            "context_tokens": entry.context_window,
            "input_per_mtok_usd": None if per_mtok[0] is None else per_mtok[0] / NANO_PER_USD,
            "output_per_mtok_usd": None if per_mtok[1] is None else per_mtok[1] / NANO_PER_USD,
            "retired": str(entry.retired_on) if self.is_retired(key) else None,
        }

    def resolve(self, name: str) -> ModelEntry:
        """The model a key, bare name, alias or dated id means.

        Raises:
            UnknownModel: Nothing here has that name; near ones are offered.
        """
        key = self._names.get(name)
        if key is None:
            raise UnknownModel.among(name, self._names)
        return self.models[key]

    def price(self, key: str) -> Price:
        """Unit prices of a model in force on `as_of`; unknown ones stay unknown (S4)."""
        return self._prices[self.resolve(key).key]

    def task_type(self, name: str, *, strict: bool = False) -> tuple[TaskTypeEntry, str]:
        """The task type of that name, and how it was found: `exact`, `prefix:content.*` or `default` (S1).

        A prefix takes the model and parameters of the type that stands for it, but the prompt, checks and value of
        `default`: another type's prompt would ask for the wrong thing.

        Raises:
            UnknownTaskType: `strict`, and there is no exact match.
        """
        found = self._found.get(name)
        if found is not None and (not strict or found[1] == "exact"):
            return found
        if strict:
            raise UnknownTaskType.among(name, [kind for kind in self.task_types if kind != DEFAULT_TYPE])
        for prefix in prefixes_of(name):
            if prefix in self._found:
                return self._found[prefix]
        return self._fallback

    def is_retired(self, key: str) -> bool:
        """Whether the vendor has switched the model off by `as_of`."""
        retired = self.resolve(key).retired_on
        return retired is not None and retired <= self.as_of

    def prompt_version(self, task_type: str, variant: str = "default") -> str:
        """Hash of a template: part of the arm and of every decision (S3)."""
        entry, _ = self.task_type(task_type)
        version = self._prompts.get((entry.type, variant))
        if version is None:
            message = f"prompt == {variant!r}, is not a variant of task type {entry.type!r}"
            raise InputError(message, hint=f"known: {', '.join(sorted(entry.prompts))}")
        return version

    def render(self, task: Task, variant: str = "default") -> Prompt:
        """The prompt of a task; its input is data, never template.

        Raises:
            InputError: The template needs a field the input does not have, or the variant is unknown.
        """
        version = self.prompt_version(task.type, variant)
        entry, _ = self.task_type(task.type)
        spec = entry.prompts[variant]
        return Prompt(render_template(spec.system, task), render_template(spec.template, task), version)

    def model_config(
        self,
        key: str,
        entry: TaskTypeEntry,
        *,
        variant: str = "default",
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> ModelConfig:
        """The model's own identity, prices and limits with the task's parameters; output clamped (S5, S10).

        Args:
            key: Any name of the model.
            entry: The task type, as `task_type` returned it.
            variant: Prompt variant.
            temperature: Instead of the task type's.
            max_tokens: Instead of the task type's.

        Raises:
            UnknownModel: `key` names no model.
            InputError: The task type has no such variant, or `max_tokens` is not positive.
        """
        wanted = (key, entry.type, variant, temperature, max_tokens)
        config = self._configs.get(wanted)
        if config is None:
            config = self._make_config(self.resolve(key), entry, variant, temperature, max_tokens)
            if len(self._configs) < MAX_CACHED:
                self._configs[wanted] = config
        return config

    def _make_config(
        self, model: ModelEntry, entry: TaskTypeEntry, variant: str, temperature: float | None, max_tokens: int | None
    ) -> ModelConfig:
        wanted = entry.max_tokens if max_tokens is None else max_tokens
        if wanted < 1:
            message = f"max_tokens == {wanted!r}, must be at least 1"
            raise InputError(message, hint="leave it out for the task type's own limit")
        limit, what = min(
            (model.output_limit, "the model's output limit"), (model.context_window, "its context window")
        )
        reasons = [Reason("base", entry.reasoning)] if model.key == self.resolve(entry.model).key else []
        if wanted > limit:
            reasons.append(Reason("max_tokens_clamped", f"to {what}", wanted, limit, "tokens"))
        return ModelConfig(
            provider=model.provider,
            model=model.model,
            api_model=model.api_model,
            temperature=entry.temperature if temperature is None else temperature,
            max_tokens=min(wanted, limit),
            speed_tier=model.speed_tier,
            tier=model.tier,
            price=self._prices[model.key],
            prompt=variant,
            prompt_version=self.prompt_version(entry.type, variant),
            top_p=entry.top_p,
            stop=entry.stop,
            accepts=frozenset(model.accepts | ALWAYS_ACCEPTED.get(model.provider, frozenset())),
            reasons=tuple(reasons),
        )

    def _price(self, entry: ModelEntry) -> Price:
        current = max(
            (p for p in entry.prices if p.effective_from <= self.as_of), key=lambda p: p.effective_from, default=None
        )
        return Price(version=self.price_version) if current is None else _unit_prices(current, self.price_version)


def _unit_prices(entry: PriceEntry, version: str) -> Price:
    return Price(
        input_nano_usd_per_mtok=_nano(entry.input),
        output_nano_usd_per_mtok=_nano(entry.output),
        cached_input_nano_usd_per_mtok=_nano(entry.cached_input),
        core_second_nano_usd=_nano(entry.core_second),
        effective_from=entry.effective_from.isoformat(),
        source=entry.source,
        version=version,
    )


def _nano(usd: float | None) -> int | None:
    return None if usd is None else round(usd * NANO)


def _names(models: Mapping[str, ModelEntry]) -> dict[str, str]:
    """Every name that means exactly one model; a bare name shared by two providers means neither."""
    names: dict[str, str] = {}
    shared: set[str] = set()
    for key, entry in models.items():
        for name in {entry.model, entry.api_model, *entry.aliases}:
            if names.setdefault(name, key) != key:
                shared.add(name)
    return {name: key for name, key in names.items() if name not in shared} | {key: key for key in models}
