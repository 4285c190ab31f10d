"""TensorZero `tensorzero.toml`: a function a task type, a variant an arm, static experimentation. Touches no file.

TensorZero's repository is archived; the last client, 2026.6.0, is what this is checked with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from bizq_lab.config.exporters.routes import Call, Route

KEEPS: frozenset[str] = frozenset()
RETRIES = "retries = { num_retries = 2, max_delay_s = 10 }"
NANO_PER_USD = 1_000_000_000
TIMEOUT_MS = 60_000


def tensorzero(routes: Sequence[Route], *, header: str, local_url: str) -> str:
    """The file's text; keys come from the environment that TensorZero itself reads.

    Args:
        routes: What to express.
        header: Comment on top.
        local_url: Where the local server answers, for models that stay in the house.
    """
    models = {call.key: call for route in routes for call in (*route.calls, *route.fallbacks)}
    lines = [header.rstrip(), ""]
    for key in sorted(models):
        lines += [*_model(models[key], local_url), ""]
    for route in routes:
        lines += [*_function(route), ""]
    return "\n".join(lines).rstrip() + "\n"


def backup(key: str) -> str:
    """Name of a fallback variant; candidates and fallbacks must be disjoint."""
    return f"fallback:{key}"


def _model(call: Call, local_url: str) -> Iterator[str]:
    provider = "openai" if call.provider == "local" else call.provider
    table = f"models.{quoted(call.key)}"
    yield f"[{table}]"
    yield f"routing = [{quoted(provider)}]"
    yield f"timeouts = {{ non_streaming.total_ms = {TIMEOUT_MS} }}"
    yield f"[{table}.providers.{quoted(provider)}]"
    yield f"type = {quoted(provider)}"
    yield f"model_name = {quoted(call.api_model)}"
    if call.provider == "local":
        yield f"api_base = {quoted(local_url)}"
        yield 'api_key_location = "none"'
    price = call.price
    if price.input_nano_usd_per_mtok is not None and price.output_nano_usd_per_mtok is not None:
        read, wrote = ("prompt", "completion") if provider == "openai" else ("input", "output")
        yield "cost = ["
        for name, nano in ((read, price.input_nano_usd_per_mtok), (wrote, price.output_nano_usd_per_mtok)):
            per_million = nano / NANO_PER_USD
            yield f'  {{ pointer = "/usage/{name}_tokens", cost_per_million = {per_million!r}, required = true }},'
        yield "]"


def _function(route: Route) -> Iterator[str]:
    table = f"functions.{quoted(route.task_type)}"
    yield f"[{table}]"
    yield 'type = "chat"'
    for name, call in [*((call.arm, call) for call in route.calls), *((backup(c.arm), c) for c in route.fallbacks)]:
        yield f"[{table}.variants.{quoted(name)}]"
        yield 'type = "chat_completion"'
        yield f"model = {quoted(call.key)}"
        yield f"max_tokens = {call.max_tokens}"
        if call.temperature is not None:
            yield f"temperature = {float(call.temperature)!r}"
        if not route.side_effects:
            yield RETRIES
    weights = ", ".join(f"{quoted(call.arm)} = {call.weight / 100!r}" for call in route.calls)
    yield f"[{table}.experimentation]"
    yield 'type = "static"'
    yield f"candidate_variants = {{ {weights} }}"
    if route.fallbacks:
        yield f"fallback_variants = [{', '.join(quoted(backup(call.arm)) for call in route.fallbacks)}]"


def quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
