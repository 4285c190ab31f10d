"""LiteLLM proxy `config.yaml`: a model group a task type, weighted deployments, fallbacks. Touches no file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bizq_lab.config.exporters.routes import Call, Route

if TYPE_CHECKING:
    from collections.abc import Sequence

KEEPS: frozenset[str] = frozenset()
NANO_MTOK = 1_000_000_000_000_000  # nano-USD per million tokens in a USD per token
TIMEOUT_S = 60
_ERRORS = ("BadRequestError", "AuthenticationError", "TimeoutError", "RateLimitError", "InternalServerError")


def litellm(routes: Sequence[Route], *, header: str, local_url: str) -> str:
    """The file's text; keys are named by environment variable, never written.

    Args:
        routes: What to express.
        header: Comment on top.
        local_url: Where the local server answers, for models that stay in the house.
    """
    import yaml  # noqa: PLC0415 - only this target and the YAML view need it

    once = {name: {f"{error}Retries": 0 for error in _ERRORS} for name in _side_effects(routes)}
    settings: dict[str, Any] = {
        "routing_strategy": "simple-shuffle",
        "num_retries": 2,
        "timeout": TIMEOUT_S,
        "fallbacks": [
            {r.task_type: [backup(r.task_type, place) for place in _places(r)]} for r in routes if r.fallbacks
        ],
        **({"model_group_retry_policy": once} if once else {}),
    }
    document = {
        "model_list": [entry for route in routes for entry in _group(route, local_url)],
        "router_settings": settings,
    }
    return header + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def backup(task_type: str, place: int) -> str:
    """The group that serves when a task type's own group, and those before this one, failed."""
    return f"{task_type}__fallback_{place}"


def _places(route: Route) -> range:
    return range(1, len(route.fallbacks) + 1)


def _side_effects(routes: Sequence[Route]) -> list[str]:
    return [route.task_type for route in routes if route.side_effects]


def _group(route: Route, local_url: str) -> list[dict[str, Any]]:
    weighted = [_deployment(route.task_type, call, call.weight / 100, local_url) for call in route.calls]
    names = [backup(route.task_type, place) for place in _places(route)]
    return weighted + [
        _deployment(name, call, 1.0, local_url) for name, call in zip(names, route.fallbacks, strict=True)
    ]


def _deployment(group: str, call: Call, weight: float, local_url: str) -> dict[str, Any]:
    provider = "openai" if call.provider == "local" else call.provider
    price = call.price
    params: dict[str, Any] = {
        "model": f"{provider}/{call.api_model}",
        "api_key": f"os.environ/{call.key_variable}",
        "weight": weight,
        "max_tokens": call.max_tokens,
    }
    if call.provider == "local":
        params["api_base"] = local_url
    if call.temperature is not None:
        params["temperature"] = call.temperature
    if price.input_nano_usd_per_mtok is not None and price.output_nano_usd_per_mtok is not None:
        params["input_cost_per_token"] = price.input_nano_usd_per_mtok / NANO_MTOK
        params["output_cost_per_token"] = price.output_nano_usd_per_mtok / NANO_MTOK
    elif call.provider == "local":
        params["input_cost_per_token"] = params["output_cost_per_token"] = 0.0
    return {"model_name": group, "litellm_params": params, "model_info": {"id": f"{group}/{call.arm}"}}
