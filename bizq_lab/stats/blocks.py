"""More than two arms on the same tasks: Cochran's Q for success, Friedman for anything orderable. Knows no pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError
from bizq_lab.stats.means import mean
from bizq_lab.stats.proportions import wilson
from bizq_lab.stats.tails import need
from bizq_lab.stats.types import Floats, Moments, Tally

_FEWEST_ARMS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Omnibus:
    """Whether several arms differ at all; which ones is a question for adjusted pairwise tests.

    Attributes:
        arms: Estimate of each arm, in the order of the columns.
        p_value: Probability of such a statistic if all arms were alike.
        statistic: Test statistic.
        df: Degrees of freedom.
        effect: Kendall's W, agreement of the tasks on the order of the arms, in [0, 1]; None for Cochran's Q.
        n: Tasks.
        method: Procedure.
    """

    arms: tuple[Estimate, ...]
    p_value: float
    statistic: float
    df: float
    effect: float | None
    n: int
    method: str


def cochran_q(successes: ArrayLike, *, level: float = 0.95) -> Omnibus:
    """Do k arms succeed equally often on the same tasks?

    Args:
        successes: Shape (tasks, arms), 0 or 1.
        level: Coverage of each arm's interval.

    Raises:
        NotEnoughData: No tasks, or one arm.
        InputError: A cell that is neither 0 nor 1.

    Source:
        Cochran 1950, Biometrika 37:256. Tasks on which all arms agree carry no information; if all do, p is 1.
    """
    table = _table(successes)
    if not np.isin(table, (0.0, 1.0)).all():
        message = "successes must be 0 or 1"
        raise InputError(message, hint="use `friedman` for scores")
    n, k = table.shape
    columns, rows = table.sum(axis=0), table.sum(axis=1)
    informative = float((rows * (k - rows)).sum())
    gap = float(((columns - columns.mean()) ** 2).sum())
    statistic = k * (k - 1) * gap / informative if informative else 0.0
    return Omnibus(
        arms=tuple(wilson(Tally(int(c), n), level=level) for c in columns),
        p_value=float(chdtrc(k - 1, statistic)) if informative else 1.0,
        statistic=statistic,
        df=float(k - 1),
        effect=None,
        n=n,
        method="Cochran's Q",
    )


def friedman(scores: ArrayLike, *, level: float = 0.95) -> Omnibus:
    """Do k arms rank equally on the same tasks? Ties are corrected for.

    Args:
        scores: Shape (tasks, arms); only the order within a task matters.
        level: Coverage of each arm's mean-rank interval.

    Raises:
        NotEnoughData: Fewer than two tasks, or one arm.

    Source:
        Friedman 1937, JASA 32:675; chi-square approximation with the tie correction of Conover 1999, 5.8.
    """
    from scipy.stats import rankdata  # noqa: PLC0415 - a second of import that only rank tests need

    table = _table(scores)
    n, k = table.shape
    need(n, 2, "tasks")
    ranks = np.asarray(rankdata(table, axis=1), dtype=np.float64)
    gap = float(((ranks.sum(axis=0) - n * (k + 1) / 2) ** 2).sum())
    spread = float((ranks**2).sum()) - n * k * (k + 1) ** 2 / 4
    statistic = (k - 1) * gap / spread if spread > 0 else 0.0
    return Omnibus(
        arms=tuple(
            mean(Moments.from_values(column), unit="rank", level=level, support=(1.0, float(k))) for column in ranks.T
        ),
        p_value=float(chdtrc(k - 1, statistic)) if spread > 0 else 1.0,
        statistic=statistic,
        df=float(k - 1),
        effect=min(statistic / (n * (k - 1)), 1.0),
        n=n,
        method="Friedman",
    )


def _table(values: ArrayLike) -> Floats:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():  # noqa: PLR2004 - tasks by arms
        message = f"values of shape {table.shape}, must be finite and of shape (tasks, arms)"
        raise InputError(message, hint="drop tasks that some arm has not answered, and report how many")
    need(table.shape[0], 1, "tasks")
    need(table.shape[1], _FEWEST_ARMS, "arms")
    return table
