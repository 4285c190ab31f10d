"""Read a `tensorzero.toml`: each function is a task type, each candidate variant an arm. Touches no file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from bizq_lab.config.importers.imported import Deployment, Imported, Untaken, assemble, mapping, number, whole
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog

_TAKEN = frozenset({"type", "model", "temperature", "max_tokens", "weight", "retries"})
_ADAPTIVE = frozenset({"adaptive", "track_and_stop"})
_ROUTING = frozenset({"models", "functions"})


def import_tensorzero(text: str, catalog: Catalog, *, as_of: date) -> Imported:
    """The routing that a gateway config describes, and what of it could not be taken.

    Raises:
        InputError: It is not a TensorZero config, or its weights make no sense.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        message = f"not TOML: {error}"
        raise InputError(message, hint="name tensorzero.toml") from None
    functions = mapping(document.get("functions"))
    if not functions:
        raise InputError("no functions", hint="name tensorzero.toml")
    untaken = [Untaken(name, "is not routing") for name in sorted(set(document) - _ROUTING)]
    deployments: list[Deployment] = []
    for name, function in functions.items():
        found, left = _function(name, mapping(function), mapping(document.get("models")))
        deployments += found
        untaken += left
    return assemble(deployments, catalog, as_of=as_of, untaken=untaken)


def _function(
    name: str, function: Mapping[str, object], models: Mapping[str, object]
) -> tuple[list[Deployment], list[Untaken]]:
    variants = {variant: mapping(spec) for variant, spec in mapping(function.get("variants")).items()}
    experimentation = mapping(function.get("experimentation"))
    weights = _weights(experimentation, variants)
    untaken = list(_untaken(name, function, variants, experimentation))
    found = []
    for variant, weight in weights.items():
        spec = variants.get(variant)
        if spec is None:
            message = f"{name}: candidate {variant!r} is no variant of it"
            raise InputError(message, hint=f"known: {', '.join(sorted(variants))}")
        if spec.get("type", "chat_completion") != "chat_completion":
            untaken.append(Untaken(f"{name}.{variant}", f"type {spec['type']!s:.60} is no plain call; left out"))
            continue
        found.append(_deployment(name, variant, spec, models, weight))
    return found, untaken


def _weights(
    experimentation: Mapping[str, object], variants: Mapping[str, Mapping[str, object]]
) -> dict[str, float | None]:
    candidates = experimentation.get("candidate_variants")
    if isinstance(candidates, dict):
        return {str(variant): number(weight) for variant, weight in candidates.items()}
    if isinstance(candidates, list):
        return dict.fromkeys(map(str, candidates))
    return {variant: number(spec.get("weight")) for variant, spec in variants.items()}


def _deployment(
    group: str, variant: str, spec: Mapping[str, object], models: Mapping[str, object], weight: float | None
) -> Deployment:
    named = str(spec.get("model", ""))
    provider, _, api_model = named.partition("::")
    cost: Mapping[str, float] = {}
    if not api_model:
        model = mapping(models.get(named))
        routing = model.get("routing")
        first = str(routing[0]) if isinstance(routing, list) and routing else ""
        served = mapping(mapping(model.get("providers")).get(first))
        provider, api_model = str(served.get("type", "")), str(served.get("model_name", ""))
        if provider == "openai" and "api_base" in served:
            provider = "local"
        cost = _costs(served.get("cost"))
    if not (provider and api_model):
        message = f"{group}.{variant}: model == {named!r} is not defined"
        raise InputError(message, hint="define it under [models], or write provider::model")
    return Deployment(
        group=group,
        arm=variant,
        provider=provider,
        api_model=api_model,
        weight=weight,
        temperature=number(spec.get("temperature")),
        max_tokens=whole(spec.get("max_tokens")),
        input_usd=cost.get("input"),
        output_usd=cost.get("output"),
    )


def _costs(rows: object) -> dict[str, float]:
    costs = {}
    for row in map(mapping, rows) if isinstance(rows, list) else ():
        usd, pointer = number(row.get("cost_per_million")), str(row.get("pointer", ""))
        if usd is not None:
            costs["output" if "completion" in pointer or "output" in pointer else "input"] = usd
    return costs


def _untaken(
    name: str,
    function: Mapping[str, object],
    variants: Mapping[str, Mapping[str, object]],
    experimentation: Mapping[str, object],
) -> Iterator[Untaken]:
    kind = str(experimentation.get("type", "static"))
    if kind in _ADAPTIVE:
        yield Untaken(f"{name}.experimentation", f"{kind} is not taken; its candidates share equally")
    for key in sorted(set(experimentation) - {"type", "candidate_variants"}):
        if kind not in _ADAPTIVE or key in {"fallback_variants", "namespaces"}:
            detail = "fallbacks come from the catalog's ordering" if key == "fallback_variants" else "not taken"
            yield Untaken(f"{name}.experimentation.{key}", detail)
    for key in sorted(set(function) - {"type", "variants", "experimentation"}):
        yield Untaken(f"{name}.{key}", "prompts and schemas are the task type's own")
    for variant, spec in variants.items():
        for key in sorted(set(spec) - _TAKEN):
            yield Untaken(f"{name}.{variant}.{key}", "has no place in an arm")
