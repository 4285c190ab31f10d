"""A loaded catalog: models, prices and task types, ready to be asked. Pure after loading; knows no file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal, NamedTuple

from bizq_lab.catalog.prompts import render_template, template_hash
from bizq_lab.catalog.schema import ModelEntry, PriceEntry, TaskTypeEntry
from bizq_lab.core.ids import digest
from bizq_lab.core.model import ModelConfig, Price, Reason
from bizq_lab.core.task import Task
from bizq_lab.errors import InputError, UnknownModel, UnknownTaskType

NANO = 1_000_000_000
DEFAULT_TYPE = "default"


class Prompt(NamedTuple):
    """A rendered prompt and the version of its template."""

    system: str
    user: str
    version: str


class Catalog:
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
        self.models = dict(models)
        self.task_types = dict(task_types)
        book = sorted((key, entry.model_dump_json(include={"prices"})) for key, entry in self.models.items())
        self.price_version = digest(book)[:16]
        content = [entry.model_dump_json() for _, entry in sorted(self.models.items())]
        content += [entry.model_dump_json() for _, entry in sorted(self.task_types.items())]
        self.version = digest(name, purpose, *content)[:16]
        self._names = _names(self.models)
        self._prices = {key: self._price(entry) for key, entry in self.models.items()}
        self._prompts = {
            (kind, variant): template_hash(spec)
            for kind, entry in self.task_types.items()
            for variant, spec in entry.prompts.items()
        }
        self._found: dict[str, tuple[TaskTypeEntry, str]] = {
            kind: (entry, "exact") for kind, entry in self.task_types.items() if kind != DEFAULT_TYPE
        }
        self._configs: dict[tuple[str, str, str, float | None, int | None], ModelConfig] = {}

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

        A prefix is represented by its first declared task type in alphabetical order.

        Raises:
            UnknownTaskType: `strict`, and there is no exact match.
        """
        found = self._found.get(name)
        if found is not None:
            return found
        if strict:
            raise UnknownTaskType.among(name, [kind for kind in self.task_types if kind != DEFAULT_TYPE])
        prefix = name.split(".", maxsplit=1)[0] + "."
        kin = sorted(kind for kind in self.task_types if kind.startswith(prefix))
        return (self.task_types[kin[0]], f"prefix:{prefix}*") if kin else (self.task_types[DEFAULT_TYPE], "default")

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
        """The model's own identity, prices and limits with the task's parameters; output clamped (S5, S10)."""
        cached = (key, entry.type, variant, temperature, max_tokens)
        config = self._configs.get(cached)
        if config is None:
            config = self._configs[cached] = self._model_config(*cached, entry=entry)
        return config

    def _model_config(
        self,
        key: str,
        _type: str,
        variant: str,
        temperature: float | None,
        max_tokens: int | None,
        *,
        entry: TaskTypeEntry,
    ) -> ModelConfig:
        model = self.resolve(key)
        wanted = entry.max_tokens if max_tokens is None else max_tokens
        most = min(model.output_limit, model.context_window)
        reasons = [Reason("base", entry.reasoning)] if model.key == self._names.get(entry.model) else []
        if wanted > most:
            reasons.append(Reason("max_tokens_clamped", "output limit of the model", wanted, most, "tokens"))
        return ModelConfig(
            provider=model.provider,
            model=model.model,
            api_model=model.api_model,
            temperature=entry.temperature if temperature is None else temperature,
            max_tokens=min(wanted, most),
            speed_tier=model.speed_tier,
            tier=model.tier,
            price=self._prices[model.key],
            prompt=variant,
            prompt_version=self.prompt_version(entry.type, variant),
            accepts=frozenset(model.accepts),
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
