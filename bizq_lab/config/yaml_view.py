"""A config as YAML, for people and for gateways that want it; a view, never the source. Touches no file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bizq_lab.config.canonical import canonical_bytes

if TYPE_CHECKING:
    from bizq_lab.config.schema import RoutingConfig


def yaml_view(config: RoutingConfig) -> str:
    """The same document as YAML; it names the checksum of the JSON it was made from.

    JSON stays the source of truth: YAML 1.1 reads `no` as false and `1e3` as text.
    """
    import yaml  # noqa: PLC0415 - only this view needs it

    body = yaml.safe_dump(json.loads(canonical_bytes(config)), sort_keys=True, allow_unicode=True, width=120)
    return f"# A view of routing config {config.hash}; edit the JSON, not this.\n{body}"
