"""A TypeScript module for BizQ's own production: the specification's maps, and the assignment hash. Touches no file.

It compiles under `tsc --strict`, imports nothing, and assigns every unit as bizq_lab does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from bizq_lab.config.assigned import splits_of
from bizq_lab.config.exporters.routes import Call, Route
from bizq_lab.core.decision import DEFAULT_ARM

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.config.schema import RoutingConfig

KEEPS = frozenset({"sticky", "experiments", "expiry", "propensity"})
MICRO_USD = 1_000_000_000_000_000  # nano-USD per million tokens in a USD per token

_TYPES = """\
export interface ModelConfig {
  provider: string;
  model: string;
  temperature: number | null;
  max_tokens: number;
  /** USD per input token: the specification's field. Bills follow MODEL_COSTS, which has both prices. */
  cost_per_token: number;
  speed_tier: 'fast' | 'standard' | 'thorough';
  reasoning: string;
}

/** USD per token; null where the price is unknown. */
export interface ModelCost {
  input: number | null;
  output: number | null;
}

export interface Split {
  experiment: string;
  stage: string;
  salt: string;
  unit: 'workspace' | 'task';
  namespace: string;
  buckets: readonly [number, number];
  arms: ReadonlyArray<readonly [string, number]>;
}
"""


def typescript(config: RoutingConfig, catalog: Catalog, routes: Sequence[Route], *, header: str) -> str:
    """The module's text.

    Args:
        config: Gives splits, version, checksum and expiry.
        catalog: Gives the base models, prices and orderings.
        routes: What to express.
        header: Comment on top.
    """
    calls = {call.key: call for route in routes for call in (*route.calls, *route.fallbacks)}
    splits = {route.task_type: [_split(split) for split in splits_of(config, route.task_type)] for route in routes}
    arms = {route.task_type: _arms(config, catalog, route.task_type) for route in routes}
    constants: list[tuple[str, str, Any]] = [
        ("CONFIG_VERSION", "string", config.hash[:12]),
        ("CONFIG_CHECKSUM", "string", config.hash),
        ("CONFIG_AS_OF", "string", config.as_of.isoformat()),
        ("CONFIG_EXPIRES_ON", "string | null", config.expires_on and config.expires_on.isoformat()),
        ("TASK_MODEL_MAP", _record("ModelConfig"), {r.task_type: _base(catalog, r.task_type) for r in routes}),
        ("MODEL_COSTS", _record("ModelCost"), {key: _cost(calls[key]) for key in sorted(calls)}),
        ("EFFICIENCY_MAP", _record("readonly string[]"), {r.task_type: _ordering(catalog, r) for r in routes}),
        ("ROUTING_WEIGHTS", _record("Readonly<Record<string, number>>"), _weights(routes)),
        ("FALLBACK_CHAINS", _record("readonly string[]"), {r.task_type: [c.key for c in r.fallbacks] for r in routes}),
        ("ARM_MODELS", _record("Readonly<Record<string, Partial<ModelConfig>>>"), arms),
        ("SPLITS", _record("readonly Split[]"), {name: own for name, own in splits.items() if own}),
    ]
    runtime = files(__package__).joinpath("router.ts").read_text("utf-8")
    declared = [f"export const {name}: {kind} = {_literal(value)};\n" for name, kind, value in constants]
    return "\n".join([header.replace("# ", "// "), _TYPES, *declared, runtime, _hash_constants()])


def _record(kind: str) -> str:
    return f"Readonly<Record<string, {kind}>>"


def _literal(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False)


def _split(split: Any) -> dict[str, Any]:
    return {
        "experiment": split.experiment,
        "stage": split.stage,
        "salt": split.salt,
        "unit": "task" if split.by_task else "workspace",
        "namespace": split.namespace,
        "buckets": list(split.buckets),
        "arms": [[arm, weight] for arm, weight in sorted(split.weights.items())],
    }


def _base(catalog: Catalog, task_type: str) -> dict[str, Any]:
    entry, _ = catalog.task_type(task_type)
    return {**_model(catalog, task_type, entry.model, None, None), "reasoning": entry.reasoning}


def _arms(config: RoutingConfig, catalog: Catalog, task_type: str) -> dict[str, Any]:
    used = {arm for split in splits_of(config, task_type) for arm in split.weights} - {DEFAULT_ARM}
    specs = {arm: config.arms[arm] for arm in sorted(used)}
    return {
        arm: {**_model(catalog, task_type, spec.model, spec.temperature, spec.max_tokens), "reasoning": f"arm {arm}"}
        for arm, spec in specs.items()
    }


def _model(
    catalog: Catalog, task_type: str, key: str, temperature: float | None, max_tokens: int | None
) -> dict[str, Any]:
    entry, _ = catalog.task_type(task_type)
    model = catalog.model_config(key, entry, temperature=temperature, max_tokens=max_tokens)
    return {
        "provider": model.provider,
        "model": model.api_model,
        "temperature": model.temperature if "temperature" in model.accepts else None,
        "max_tokens": model.max_tokens,
        "cost_per_token": _per_token(model.price.input_nano_usd_per_mtok) or 0.0,
        "speed_tier": model.speed_tier,
    }


def _cost(call: Call) -> dict[str, float | None]:
    price = call.price
    return {"input": _per_token(price.input_nano_usd_per_mtok), "output": _per_token(price.output_nano_usd_per_mtok)}


def _per_token(nano_per_million: int | None) -> float | None:
    return None if nano_per_million is None else nano_per_million / MICRO_USD


def _ordering(catalog: Catalog, route: Route) -> list[str]:
    return list(catalog.task_type(route.task_type)[0].efficiency)


def _weights(routes: Sequence[Route]) -> Mapping[str, Mapping[str, int]]:
    return {route.task_type: {call.arm: call.weight for call in route.calls} for route in routes}


def _hash_constants() -> str:
    """SHA-256's own constants: the fractional parts of roots of the first primes, computed exactly."""
    primes = [n for n in range(2, 312) if all(n % d for d in range(2, n))][:64]
    cube = [_root_fraction(p, 3) for p in primes]
    square = [_root_fraction(p, 2) for p in primes[:8]]
    return (
        f"const INITIAL: Uint32Array = Uint32Array.from({_literal(square)});\n"
        f"const ROUND_CONSTANTS: Uint32Array = Uint32Array.from({_literal(cube)});\n"
    )


def _root_fraction(prime: int, power: int) -> int:
    """The first 32 bits of the fractional part of a root, by integer arithmetic."""
    target, low, high = prime << (32 * power), 0, prime << 32
    while low < high - 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**power <= target else (low, middle)
    return low & 0xFFFFFFFF
