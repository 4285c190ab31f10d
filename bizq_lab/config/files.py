"""Routing configs on disk: read only what verifies, write so that a crash leaves the old file or the new one.

The only module of this room that does I/O. Must not know what a config means.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from bizq_lab.catalog.files import replace_file
from bizq_lab.config.canonical import CHECKSUM_KEY, SCHEMA_VERSION, checksum_of, file_bytes
from bizq_lab.config.schema import RoutingConfig, validated
from bizq_lab.errors import InvalidRoutingConfig

MAX_BYTES = 64 * 1024 * 1024
_HINT = "write configs with save_config(); to change one, load it, evolve() it and save it again"


def load_config(path: str | os.PathLike[str]) -> RoutingConfig:
    """Read and verify a config file.

    Raises:
        InvalidRoutingConfig: It is missing, unreadable, changed since it was written, or inconsistent.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        message = f"cannot read routing config {str(path)!r}: {error.strerror or type(error).__name__}"
        raise InvalidRoutingConfig(message) from None
    return parse_config(raw, origin=str(path))


def parse_config(raw: bytes, *, origin: str = "config") -> RoutingConfig:
    """A config from the bytes of a file; every byte counts.

    Raises:
        InvalidRoutingConfig: The checksum, the canonical form or the schema does not hold.
    """
    data = _parsed(raw, origin)
    stated = data.pop(CHECKSUM_KEY, None)
    if data.get("schema_version") != SCHEMA_VERSION:
        message = f"{origin}: schema_version == {data.get('schema_version')!r}, this version reads {SCHEMA_VERSION}"
        raise InvalidRoutingConfig(message, hint="use the version of bizq_lab that wrote it, or a newer one")
    if not isinstance(stated, str) or checksum_of(raw, stated) != stated:
        message = f"{origin}: checksum does not match its content"
        raise InvalidRoutingConfig(message, hint=_HINT)
    config = validated(RoutingConfig, data)
    if file_bytes(config) != raw:
        message = f"{origin}: not in canonical form"
        raise InvalidRoutingConfig(message, hint=_HINT)
    return config


def save_config(config: RoutingConfig, path: str | os.PathLike[str]) -> Path:
    """Write a config atomically: a reader, or a crash at any instant, sees the old file or the whole new one.

    Raises:
        InvalidRoutingConfig: The file cannot be written.
    """
    target = Path(path)
    try:
        replace_file(target, file_bytes(config))
    except OSError as error:
        message = f"cannot write routing config {str(path)!r}: {error.strerror or type(error).__name__}"
        raise InvalidRoutingConfig(message, hint="the previous file, if any, is untouched") from None
    return target


def _parsed(raw: bytes, origin: str) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        message = f"{origin}: {len(raw)} bytes, must be at most {MAX_BYTES}"
        raise InvalidRoutingConfig(message)
    try:
        data = json.loads(raw.decode("ascii"))
    except (ValueError, RecursionError) as error:
        message = f"{origin}: not a routing config, {type(error).__name__}"
        raise InvalidRoutingConfig(message, hint=_HINT) from None
    if not isinstance(data, dict):
        message = f"{origin}: not a routing config, the top level is {type(data).__name__}"
        raise InvalidRoutingConfig(message, hint=_HINT)
    return data
