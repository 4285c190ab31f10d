"""Identifiers and seeds that can be replayed. Knows nothing of what they identify."""

from __future__ import annotations

import hashlib
from secrets import token_hex


def new_id(prefix: str) -> str:
    """A fresh identifier such as `task_9f1c…`: 128 random bits from the operating system."""
    return f"{prefix}_{token_hex(16)}"


def derived_id(prefix: str, *parts: object) -> str:
    """The same identifier for the same parts, on every machine (SHA-256, 128 bits kept)."""
    return f"{prefix}_{digest(*parts)[:32]}"


def derived_seed(*parts: object) -> int:
    """A 63-bit seed that depends on all parts."""
    return int(digest(*parts)[:16], 16) >> 1


def digest(*parts: object) -> str:
    """SHA-256 over the parts, each length-prefixed so that no two lists collide."""
    sha = hashlib.sha256()
    for part in parts:
        data = str(part).encode("utf-8", "surrogatepass")
        sha.update(b"%d:" % len(data))
        sha.update(data)
    return sha.hexdigest()
