"""Least squares with cluster-robust standard errors, for covariates. Knows no arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from bizq_lab.errors import InputError
from bizq_lab.stats.tails import need
from bizq_lab.stats.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regression:
    """Least-squares fit.

    Attributes:
        coefficients: Shape (k,), one for each column of the design.
        standard_errors: Shape (k,), cluster-robust.
        df: Clusters minus one.
        clusters: Number of clusters.
        method: `CRV1` or `CRV3`.
    """

    coefficients: Floats
    standard_errors: Floats
    df: int
    clusters: int
    method: str


def clustered_regression(
    design: ArrayLike, outcome: ArrayLike, clusters: ArrayLike, *, kind: Literal["crv1", "crv3"] = "crv1"
) -> Regression:
    """Ordinary least squares with standard errors robust to correlation within clusters.

    Args:
        design: Shape (n, k), a column of ones included.
        outcome: Shape (n,).
        clusters: Shape (n,), an identifier each.
        kind: Sandwich (`crv1`) or jackknife (`crv3`, for fewer than 50 clusters).

    Raises:
        NotEnoughData: Fewer than two clusters.
        InputError: Collinear columns.

    Source:
        Liang & Zeger 1986, Biometrika 73:13; MacKinnon, Nielsen & Webb 2023, J. Econometrics 232:272.
    """
    x, y = np.asarray(design, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    ids, position = np.unique(np.asarray(clusters), return_inverse=True)
    need(ids.size, 2, "clusters")
    n, k = x.shape
    if np.linalg.matrix_rank(x) < k:
        message = f"the design's {k} columns are collinear"
        raise InputError(message, hint="drop a column that others determine")
    bread = np.linalg.inv(x.T @ x)
    beta = bread @ (x.T @ y)
    groups = [np.flatnonzero(position == g) for g in range(ids.size)]
    if kind == "crv1":
        residual = y - x @ beta
        scores = np.stack([x[rows].T @ residual[rows] for rows in groups])
        small_sample = ids.size / (ids.size - 1) * (n - 1) / (n - k)
        covariance = small_sample * bread @ (scores.T @ scores) @ bread
    else:
        without = np.stack([_without(x, y, rows) for rows in groups])
        covariance = (ids.size - 1) / ids.size * (without - beta).T @ (without - beta)
    return Regression(
        coefficients=beta,
        standard_errors=np.sqrt(np.diag(covariance)),
        df=ids.size - 1,
        clusters=ids.size,
        method=kind.upper(),
    )


def _without(x: Floats, y: Floats, rows: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Floats:
    """Coefficients when one cluster is left out; the generalised inverse serves when it alone identified a column."""
    kept = np.ones(y.size, dtype=bool)
    kept[rows] = False
    return np.asarray(np.linalg.pinv(x[kept]) @ y[kept], dtype=np.float64)
