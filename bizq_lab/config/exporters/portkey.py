"""Portkey gateway config: conditional on the task type, load balance inside a fallback. Touches no file.

Two flavours, because each refuses the other's targets: `oss`, Portkey's open-source gateway, wants a provider with a
key; `hosted` names providers of the account by slug.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from bizq_lab.catalog.prefixes import DEFAULT_TYPE
from bizq_lab.config.exporters.routes import Call, Route

Flavour = Literal["oss", "hosted"]
KEEPS: frozenset[str] = frozenset()
FAIL_OVER_ON = [429, 500, 502, 503, 504, 529]
RETRY_ON = [429, 503]
TIMEOUT_MS = 60_000


def portkey(routes: Sequence[Route], *, flavour: Flavour, local_url: str) -> str:
    """The config's text. Keys are placeholders such as `$OPENAI_API_KEY`, to be filled in where it is deployed.

    The caller sends the task type as metadata: `{"task_type": "content.create_social_post"}`.

    Args:
        routes: What to express.
        flavour: `oss` or `hosted`.
        local_url: Where the local server answers, for models that stay in the house.
    """
    document = {
        "strategy": {
            "mode": "conditional",
            "conditions": [
                {"query": {"metadata.task_type": {"$eq": route.task_type}}, "then": route.task_type}
                for route in routes
                if route.task_type != DEFAULT_TYPE
            ],
            "default": DEFAULT_TYPE,
        },
        "targets": [_route(route, flavour, local_url) for route in routes],
    }
    if flavour == "oss":  # it travels in a header, which Node limits to 16 KiB
        return json.dumps(document, separators=(",", ":"), ensure_ascii=True) + "\n"
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _route(route: Route, flavour: Flavour, local_url: str) -> dict[str, Any]:
    """A load balancer picks one target and does not fail over: so it sits inside a fallback, even alone."""
    balanced = {
        "strategy": {"mode": "loadbalance"},
        "targets": [{**_target(call, flavour, local_url), "weight": call.weight / 100} for call in route.calls],
    }
    wrapped: dict[str, Any] = {
        "name": route.task_type,
        "strategy": {"mode": "fallback", "on_status_codes": FAIL_OVER_ON},
        "request_timeout": TIMEOUT_MS,
        "targets": [balanced, *(_target(call, flavour, local_url) for call in route.fallbacks)],
    }
    if not route.side_effects:
        hint = "use_retry_after_header" if flavour == "oss" else "use_retry_after_headers"
        wrapped["retry"] = {"attempts": 2, "on_status_codes": RETRY_ON, hint: True}
    return wrapped


def _target(call: Call, flavour: Flavour, local_url: str) -> dict[str, Any]:
    params: dict[str, Any] = {"model": call.api_model, "max_tokens": call.max_tokens}
    if call.temperature is not None:
        params["temperature"] = call.temperature
    if flavour == "hosted":
        return {"provider": f"@{call.provider}", "override_params": params}
    target: dict[str, Any] = {
        "provider": "openai" if call.provider == "local" else call.provider,
        "api_key": f"${call.key_variable}",
        "override_params": params,
    }
    return {**target, "custom_host": local_url} if call.provider == "local" else target
