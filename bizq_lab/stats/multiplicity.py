"""Adjusted p-values for a family of tests. Knows no family: who belongs together is the question's business."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.errors import InputError
from bizq_lab.stats.types import Floats


def holm(p_values: ArrayLike) -> Floats:
    """Holm's adjusted p-values, in the order given: family-wise error at most alpha under any dependence.

    Source:
        Holm 1979, Scand. J. Stat. 6:65.
    """
    p, order = _checked(p_values)
    m = p.size
    stepped = np.maximum.accumulate(p[order] * (m - np.arange(m)))
    return _restored(stepped, order)


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Benjamini-Hochberg adjusted p-values (q-values), in the order given: false discovery rate at most alpha.

    Source:
        Benjamini & Hochberg 1995, JRSS B 57:289; valid under independence and positive dependence.
    """
    p, order = _checked(p_values)
    m = p.size
    scaled = p[order] * m / np.arange(1, m + 1)
    stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    return _restored(stepped, order)


def _checked(p_values: ArrayLike) -> tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.intp]]]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        message = f"p_values == {p_values!r}, must be a list of probabilities"
        raise InputError(message)
    return p, np.argsort(p, kind="stable")


def _restored(stepped: Floats, order: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Floats:
    adjusted = np.empty_like(stepped)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
