"""One config, one sequence of bytes, one hash. Must not know the disk.

The bytes are JSON: keys sorted by code point, two spaces of indentation, ASCII only, one line feed at the end; dates
as ISO 8601, numbers as the shortest decimal that reads back. What is null or an empty list or object is left out, so
a later version may add optional parts without changing the hash of a config that does not use them.

The file carries its own checksum: SHA-256 of these bytes with the checksum's 64 digits all `0`. A reader in another
language can verify it on the raw bytes, without parsing or sorting anything.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pydantic import BaseModel

    from bizq_lab.config.schema import RoutingConfig

SCHEMA_VERSION: Final = 1
CHECKSUM_KEY = "checksum"
NO_CHECKSUM = "0" * 64


def canonical_bytes(config: BaseModel) -> bytes:
    """The config as bytes, its checksum all zeros: what `config.hash` is the SHA-256 of."""
    data = {CHECKSUM_KEY: NO_CHECKSUM, **_without_empty(config.model_dump(mode="json"))}
    return _render(data)


def config_hash(config: BaseModel) -> str:
    """SHA-256 of the canonical bytes, in hex."""
    return hashlib.sha256(canonical_bytes(config)).hexdigest()


def file_bytes(config: RoutingConfig) -> bytes:
    """The canonical bytes with the checksum filled in: what is written to disk."""
    return _sealed(canonical_bytes(config), config.hash)


def sealed_bytes(model: BaseModel) -> bytes:
    """The same for any other document of ours."""
    raw = canonical_bytes(model)
    return _sealed(raw, hashlib.sha256(raw).hexdigest())


def _sealed(raw: bytes, checksum: str) -> bytes:
    return raw.replace(_checksum_line(NO_CHECKSUM), _checksum_line(checksum), 1)


def checksum_of(raw: bytes, stated: str) -> str:
    """The checksum that a file ought to state, from its raw bytes and the one it does state."""
    return hashlib.sha256(raw.replace(_checksum_line(stated), _checksum_line(NO_CHECKSUM), 1)).hexdigest()


def _checksum_line(checksum: str) -> bytes:
    return f'\n  "{CHECKSUM_KEY}": "{checksum}",\n'.encode("utf-8", "surrogatepass")


def _render(data: dict[str, Any]) -> bytes:
    text = json.dumps(data, sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False)
    return text.encode("ascii") + b"\n"


def _without_empty(value: Any) -> Any:
    """Leave out nulls and empty containers, at every depth of objects; lists keep their length."""
    if isinstance(value, dict):
        kept = {name: _without_empty(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item is not None and item not in ([], {})}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value
