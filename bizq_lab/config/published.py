"""The JSON Schema of a routing config file, for editors and other languages. Must not know any particular config."""

from __future__ import annotations

from typing import Any

from bizq_lab.config.canonical import CHECKSUM_KEY
from bizq_lab.config.schema import RoutingConfig


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a routing config file, the checksum included."""
    schema = RoutingConfig.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"][CHECKSUM_KEY] = {
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "SHA-256 of the file's bytes with these 64 digits all 0.",
    }
    schema["required"] = sorted({*schema["required"], CHECKSUM_KEY})
    return schema
