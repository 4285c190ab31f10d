"""Names as numbers, which arrays count and compare faster. Knows no meaning of either."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Name = TypeVar("_Name", bound=Hashable)


def coded(names: Iterable[_Name]) -> tuple[list[_Name], NDArray[np.intp]]:
    """Distinct names in the order in which they first appear, and of shape (names,) which of them each is."""
    codes: dict[_Name, int] = {}
    found = [codes.setdefault(name, len(codes)) for name in names]
    return list(codes), np.array(found, dtype=np.intp)
