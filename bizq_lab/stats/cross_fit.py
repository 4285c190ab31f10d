"""Reward models for doubly robust evaluation that never see the decisions they predict. Knows cells, not features."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bizq_lab.errors import InputError
from bizq_lab.stats.tails import need
from bizq_lab.stats.types import Floats


def cluster_folds(clusters: ArrayLike, *, rng: np.random.Generator, folds: int = 5) -> NDArray[np.intp]:
    """Fold of each decision; a cluster is never torn apart, and the folds hold equally many clusters up to one.

    Args:
        clusters: Shape (n,), assignment units.
        rng: Seeded generator.
        folds: Number of folds.

    Raises:
        NotEnoughData: Fewer clusters than folds.

    Source:
        Chernozhukov et al. 2018, Econom. J. 21:C1 (cross-fitting).
    """
    ids, position = np.unique(np.asarray(clusters), return_inverse=True)
    need(ids.size, max(folds, 2), "clusters")
    return rng.permutation(np.arange(ids.size) % folds)[position]


def cross_fitted_means(
    cell: ArrayLike,
    action: ArrayLike,
    reward: ArrayLike,
    fold: ArrayLike,
    *,
    actions: int,
    size: ArrayLike | None = None,
    prior_n: float = 5.0,
) -> Floats:
    """Reward of every action in each decision's cell, learned from the other folds.

    The mean of a (cell, action) is shrunk towards the action's mean over all cells by `prior_n` observations, and that
    towards the grand mean, so that an action never seen in a cell still has a prediction.

    Args:
        cell: Shape (n,). Context of each decision as a code 0, 1, …: task type and segment.
        action: Shape (n,). Action taken, 0 … actions - 1.
        reward: Shape (n,). Reward, or the sum over `size` decisions.
        fold: Shape (n,), from `cluster_folds`.
        actions: Number of actions.
        size: Shape (n,). Decisions in each entry; None when each is one.
        prior_n: Weight of the coarser mean, in observations.

    Returns:
        Shape (n, actions).

    Raises:
        InputError: An action code out of range, or shapes that disagree.

    Source:
        Cross-fitting: Chernozhukov et al. 2018; shrinkage: Efron & Morris 1975.
    """
    cells, taken, folds = (np.asarray(a, dtype=np.intp) for a in (cell, action, fold))
    earned = np.asarray(reward, dtype=np.float64)
    count = np.ones(earned.size) if size is None else np.asarray(size, dtype=np.float64)
    if not (cells.shape == taken.shape == folds.shape == earned.shape) or taken.min() < 0 or taken.max() >= actions:
        message = f"action codes must lie in [0, {actions}) and all arrays have one shape"
        raise InputError(message)
    predicted, shape = np.empty((earned.size, actions)), (int(cells.max()) + 1, actions)
    for held_out in np.unique(folds):
        inside = folds == held_out
        seen = ~inside
        table = _shrunken_means(cells[seen], taken[seen], earned[seen], count[seen], shape=shape, prior_n=prior_n)
        predicted[inside] = table[cells[inside]]
    return predicted


def _shrunken_means(
    cell: NDArray[np.intp],
    action: NDArray[np.intp],
    reward: Floats,
    size: Floats,
    *,
    shape: tuple[int, int],
    prior_n: float,
) -> Floats:
    """Means by (cell, action), shrunk to the action's mean, shrunk to the grand mean; shape (cells, actions)."""
    cells, actions = shape
    flat = cell * actions + action
    count = np.bincount(flat, weights=size, minlength=cells * actions).reshape(cells, actions)
    total = np.bincount(flat, weights=reward, minlength=cells * actions).reshape(cells, actions)
    grand = float(reward.sum() / size.sum()) if reward.size else 0.0
    by_action = (total.sum(axis=0) + prior_n * grand) / (count.sum(axis=0) + prior_n)
    return np.asarray((total + prior_n * by_action) / (count + prior_n), dtype=np.float64)
