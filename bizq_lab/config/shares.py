"""Whole percentages from any shares: largest remainders. Knows no arm and no config."""

from __future__ import annotations

import math
from collections.abc import Mapping


def shared(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Integer shares of a total in the same proportions: largest remainders, ties by name."""
    whole = sum(shares.values())
    exact = {name: share * total / whole for name, share in shares.items()}
    floors = {name: math.floor(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (floors[name] - exact[name], name))
    for name in by_remainder[: total - sum(floors.values())]:
        floors[name] += 1
    return floors
