"""From a gateway's deployments to arms, weights and models of the catalog. Knows no gateway's format."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab import __version__
from bizq_lab.catalog import Catalog
from bizq_lab.catalog.schema import ModelEntry, PriceEntry
from bizq_lab.config.parts import ArmSpec
from bizq_lab.config.schema import RoutingConfig
from bizq_lab.config.shares import shared
from bizq_lab.core.decision import DEFAULT_ARM, RESERVED_ARMS
from bizq_lab.errors import InputError, UnknownModel

if TYPE_CHECKING:
    from bizq_lab.catalog.schema import TaskTypeEntry

PRODUCER = f"bizq_lab {__version__} import-config"
EXACT = 1e-9


class Deployment(NamedTuple):
    """One weighted call of a gateway.

    Attributes:
        group: The task type it serves.
        arm: Its name there, or empty.
        provider: Who serves it.
        api_model: The id that is sent.
        weight: Relative; None where the gateway states none.
        temperature: None where none is stated.
        max_tokens: None where none is stated.
        input_usd: USD per million input tokens, or None.
        output_usd: USD per million output tokens, or None.
    """

    group: str
    arm: str
    provider: str
    api_model: str
    weight: float | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    input_usd: float | None = None
    output_usd: float | None = None


class Untaken(NamedTuple):
    """Something of the gateway's config that the import leaves behind, or had to change."""

    where: str
    detail: str

    def __str__(self) -> str:
        """`router_settings.cooldown_time: …`."""
        return f"{self.where}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imported:
    """What an import found.

    Attributes:
        config: Arms and weights.
        catalog: The catalog given, with the models it did not know.
        added: Keys of those models.
        untaken: What could not be taken, or not as it was.
    """

    config: RoutingConfig
    catalog: Catalog
    added: tuple[str, ...]
    untaken: tuple[Untaken, ...]

    def models_toml(self) -> str:
        """The added models as an override file of the catalog; empty when there are none."""
        return "\n".join(_toml(self.catalog.models[key]) for key in self.added)


@dataclass(slots=True)
class _Draft:
    catalog: Catalog
    as_of: date
    added: dict[str, ModelEntry] = field(default_factory=dict)
    arms: dict[str, ArmSpec] = field(default_factory=dict)
    untaken: list[Untaken] = field(default_factory=list)


def assemble(
    deployments: Iterable[Deployment], catalog: Catalog, *, as_of: date, untaken: Iterable[Untaken]
) -> Imported:
    """Arms, weights and models from what a gateway's config says.

    Raises:
        InputError: There is no deployment, or a weight is negative, not finite, or all are 0.
        InvalidRoutingConfig: A name is too long.
    """
    groups: dict[str, list[Deployment]] = {}
    for deployment in deployments:
        groups.setdefault(deployment.group, []).append(deployment)
    if not groups:
        raise InputError("the config has no deployments", hint="name a file with models and their weights")
    draft = _Draft(catalog, as_of, untaken=list(untaken))
    tasks = {name: _weights(name, own, draft) for name, own in sorted(groups.items())}
    models = {**catalog.models, **draft.added}
    whole = catalog if not draft.added else Catalog(
        name=catalog.name, purpose=catalog.purpose, as_of=as_of, models=models, task_types=catalog.task_types
    )  # fmt: skip
    config = RoutingConfig.start(whole, arms=draft.arms, tasks=tasks, as_of=as_of, produced_by=PRODUCER)
    return Imported(config=config, catalog=whole, added=tuple(sorted(draft.added)), untaken=tuple(draft.untaken))


def _weights(group: str, deployments: list[Deployment], draft: _Draft) -> dict[str, int]:
    stated = any(d.weight is not None for d in deployments)
    shares: dict[str, float] = {}
    for deployment in deployments:
        weight = (deployment.weight or 0.0) if stated else 1.0
        if not 0.0 <= weight < math.inf:
            message = f"{group}: weight == {deployment.weight!r}, must be finite and not negative"
            raise InputError(message)
        arm = _arm(deployment, draft)
        shares[arm] = shares.get(arm, 0.0) + weight
    if not sum(shares.values()) > 0.0:
        message = f"{group}: every weight is 0"
        raise InputError(message, hint="give one deployment a weight")
    if not stated and len(shares) > 1:
        draft.untaken.append(Untaken(group, "states no weights; its deployments share equally"))
    percent = {arm: share for arm, share in shared(shares, 100).items() if share}
    total = sum(shares.values())
    if any(abs(percent.get(arm, 0) - 100 * share / total) > EXACT for arm, share in shares.items()):
        draft.untaken.append(Untaken(group, f"weights are rounded to whole percentages: {percent}"))
    return percent


def _arm(deployment: Deployment, draft: _Draft) -> str:
    """The arm id of a deployment: its own name if that is free, else with the task type."""
    model = _model(deployment, draft)
    entry, _ = draft.catalog.task_type(deployment.group)
    known = model.key in draft.catalog.models
    spec = ArmSpec(
        model=model.key,
        temperature=None if known and _usual(draft.catalog, model, entry, deployment) else deployment.temperature,
        max_tokens=None if known and _usual_tokens(draft.catalog, model, entry, deployment) else deployment.max_tokens,
    )
    if deployment.arm == DEFAULT_ARM and spec == ArmSpec(model=draft.catalog.resolve(entry.model).key):
        return DEFAULT_ARM
    name = deployment.arm if deployment.arm not in {"", *RESERVED_ARMS} else model.model
    for candidate in (name, f"{name}@{deployment.group}"):
        if draft.arms.setdefault(candidate, spec) == spec:
            return candidate
    number = sum(arm.startswith(f"{name}@") for arm in draft.arms)
    draft.arms[f"{name}@{deployment.group}#{number}"] = spec
    return f"{name}@{deployment.group}#{number}"


def _usual(catalog: Catalog, model: ModelEntry, entry: TaskTypeEntry, deployment: Deployment) -> bool:
    usual = catalog.model_config(model.key, entry).temperature
    return deployment.temperature is None or deployment.temperature == usual


def _usual_tokens(catalog: Catalog, model: ModelEntry, entry: TaskTypeEntry, deployment: Deployment) -> bool:
    return deployment.max_tokens in {None, catalog.model_config(model.key, entry).max_tokens}


def _model(deployment: Deployment, draft: _Draft) -> ModelEntry:
    """The catalog's model of that name, or a new one with what the gateway says of it."""
    names = (f"{deployment.provider}/{deployment.api_model}", deployment.api_model)
    for name in names:
        try:
            found = draft.catalog.resolve(name)
        except UnknownModel:
            continue
        if found.provider in {deployment.provider, "local"}:
            return found
    key = names[0]
    if key not in draft.added:
        prices = (
            (
                PriceEntry(
                    effective_from=draft.as_of,
                    source="imported",
                    input=deployment.input_usd,
                    output=deployment.output_usd,
                ),
            )
            if deployment.input_usd is not None and deployment.output_usd is not None
            else ()
        )
        draft.added[key] = ModelEntry(
            provider=deployment.provider,
            model=deployment.api_model,
            api_model=deployment.api_model,
            tier="standard",
            speed_tier="standard",
            context_window=128_000,
            output_limit=max(deployment.max_tokens or 0, 4096),
            prices=prices,
        )
        said = "tier, speed, context window and output limit are guesses" + ("" if prices else ", its price is unknown")
        draft.untaken.append(Untaken(key, f"is not in the catalog; {said}: complete the models file"))
    return draft.added[key]


def _toml(model: ModelEntry) -> str:
    import json  # noqa: PLC0415 - JSON's strings are TOML's

    quoted = json.dumps
    lines = ["[[models]]"]
    lines += [
        f"{name} = {quoted(getattr(model, name))}" for name in ("provider", "model", "api_model", "tier", "speed_tier")
    ]
    lines += [f"{name} = {getattr(model, name)}" for name in ("context_window", "output_limit")]
    rows = [
        f'{{ effective_from = {p.effective_from}, source = "imported", input = {p.input!r}, output = {p.output!r} }}'
        for p in model.prices
    ]
    lines.append(f"prices = [{', '.join(rows)}]")
    return "\n".join(lines) + "\n"


def number(value: object) -> float | None:
    """A number as YAML or TOML gives it; None for anything else."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def whole(value: object) -> int | None:
    """A positive whole number; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def mapping(value: object) -> Mapping[str, object]:
    """A table; empty for anything else."""
    return {str(name): item for name, item in value.items()} if isinstance(value, dict) else {}
