"""A row of values over equal steps of time, small enough for a table's cell. Knows no question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = "·"
_FLAT = 0.5


@dataclass(frozen=True, slots=True)
class Trend:
    """Values, oldest first: a sparkline where it is shown, a list where it is data.

    Attributes:
        values: One a step; None where there was nothing.
        low: Where the scale begins; None means at the smallest value.
        high: Where it ends; None means at the largest.
    """

    values: tuple[float | None, ...]
    low: float | None = None
    high: float | None = None

    @property
    def seen(self) -> list[float]:
        """The values that there are."""
        return [value for value in self.values if value is not None and math.isfinite(value)]

    def heights(self) -> list[float | None]:
        """Each value on its scale, in [0, 1]; a scale of no width puts everything in the middle."""
        seen = self.seen
        low = min(seen, default=0.0) if self.low is None else self.low
        high = max(seen, default=0.0) if self.high is None else self.high
        return [_height(value, low, high) for value in self.values]

    def runs(self) -> list[list[tuple[int, float]]]:
        """Neighbouring steps that have a value, each as its number and height."""
        runs: list[list[tuple[int, float]]] = []
        last = -2
        for step, height in enumerate(self.heights()):
            if height is None:
                continue
            if step != last + 1:
                runs.append([])
            runs[-1].append((step, height))
            last = step
        return runs

    def __str__(self) -> str:
        """`▂▄·▇`: a block a step, a dot where there was nothing."""
        return _blocks(self.heights())


def _height(value: float | None, low: float, high: float) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return _FLAT if not high > low else min(max((value - low) / (high - low), 0.0), 1.0)


def _blocks(heights: Sequence[float | None]) -> str:
    return "".join(_GAP if height is None else _BLOCKS[round(height * (len(_BLOCKS) - 1))] for height in heights)
