"""Envoy AI Gateway: an AIGatewayRoute and a BackendTrafficPolicy a task type, as YAML documents. Touches no file.

Fallbacks are a second priority. Weights together with priorities are the maintainers' stated intent; they have no
end-to-end test of it, and neither has this exporter: it is checked against the resource's own schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from bizq_lab.config.exporters.routes import Call, Route
from bizq_lab.core.ids import digest

KEEPS: frozenset[str] = frozenset()
MODEL_HEADER = "x-ai-eg-model"
GATEWAY_GROUP = "gateway.networking.k8s.io"
MAX_LABEL = 63


def envoy(routes: Sequence[Route], *, header: str) -> str:
    """The documents' text. The gateway is named `bizq`, and each provider's backend `<provider>-backend`.

    Args:
        routes: What to express.
        header: Comment on top.
    """
    import yaml  # noqa: PLC0415 - only YAML targets need it

    documents = [document for route in routes for document in (_route(route), _policy(route))]
    return header + yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=120)


def object_name(task_type: str) -> str:
    """A Kubernetes name of a task type, with a digest: two types may differ only in what a name cannot have."""
    plain = re.sub(r"[^a-z0-9]+", "-", task_type.lower()).strip("-")
    return f"{plain[: MAX_LABEL - 9].strip('-') or 'task'}-{digest(task_type)[:8]}"


def _route(route: Route) -> dict[str, Any]:
    refs = [{**_backend(call), "weight": call.weight, "priority": 0} for call in route.calls]
    refs += [{**_backend(call), "priority": place} for place, call in enumerate(route.fallbacks, start=1)]
    match = {"headers": [{"type": "Exact", "name": MODEL_HEADER, "value": route.task_type}]}
    return {
        "apiVersion": "aigateway.envoyproxy.io/v1beta1",
        "kind": "AIGatewayRoute",
        "metadata": {"name": object_name(route.task_type)},
        "spec": {
            "parentRefs": [{"name": "bizq", "kind": "Gateway", "group": GATEWAY_GROUP}],
            "rules": [{"matches": [match], "backendRefs": refs}],
        },
    }


def _backend(call: Call) -> dict[str, Any]:
    values: list[tuple[str, float]] = [("max_tokens", call.max_tokens)]
    if call.temperature is not None:
        values.append(("temperature", call.temperature))
    return {
        "name": f"{re.sub(r'[^a-z0-9]+', '-', call.provider.lower())}-backend",
        "modelNameOverride": call.api_model,
        "bodyMutation": {"set": [{"path": path, "value": json.dumps(value)} for path, value in values]},
    }


def _policy(route: Route) -> dict[str, Any]:
    name = object_name(route.task_type)
    retries = 0 if route.side_effects else 1 + len(route.fallbacks)
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "BackendTrafficPolicy",
        "metadata": {"name": name},
        "spec": {
            "targetRefs": [{"group": GATEWAY_GROUP, "kind": "HTTPRoute", "name": name}],
            "retry": {
                "numAttemptsPerPriority": 1,
                "numRetries": retries,
                "perRetry": {"timeout": "60s"},
                "retryOn": {
                    "httpStatusCodes": [429, 500, 502, 503, 504, 529],
                    "triggers": ["connect-failure", "retriable-status-codes"],
                },
            },
        },
    }
