"""Shares to whole percent: largest remainders, then single percents moved until every limit is kept. Solves nothing."""

from __future__ import annotations

import numpy as np

from bizq_lab.stats.types import Floats
from bizq_lab.tuning.program import PERCENT, SLACK, Problem

MOST_MOVES = 2_000


def largest_remainder(problem: Problem, shares: Floats) -> Floats | None:
    """Whole percent nearest the shares, within each option's bounds; None where the bounds leave no room.

    Source:
        Hamilton's method of apportionment; Balinski & Young 1982.
    """
    low, high = problem.percent_bounds.T
    percent = np.clip(np.floor(shares * PERCENT + SLACK), low, high)
    group, count = problem.group_of, len(problem.groups)
    for _ in range(PERCENT):
        gap = PERCENT - np.bincount(group, weights=percent, minlength=count)
        if not gap.any():
            return percent
        step = np.sign(gap)[group]
        free = (low <= percent + step) & (percent + step <= high) & (step != 0)
        urgency = np.where(free, step * (shares * PERCENT - percent), -np.inf)
        order = np.lexsort((-urgency, group))
        place = np.arange(order.size) - np.searchsorted(group[order], group[order])
        moved = order[(place < np.abs(gap)[group[order]]) & free[order]]
        if not moved.size:
            return None
        percent[moved] += step[moved]
    return None


def repaired(problem: Problem, percent: Floats) -> Floats | None:
    """The same percentages with single percents moved within task types until no limit is broken; None where stuck.

    Each move is the one that mends most for the value it costs.
    """
    low, high = problem.percent_bounds.T
    scale = np.array([limit.scale for limit in problem.limits])
    current = percent.copy()
    for _ in range(MOST_MOVES):
        excess = problem.excess(current / PERCENT)
        if not excess.any():
            return current
        burden = np.asarray(((excess > 0) / scale) @ problem.matrix)
        move = _best_move(problem, current, burden, low, high)
        if move is None:
            return None
        current[move[0]] -= 1
        current[move[1]] += 1
    return None


def _best_move(problem: Problem, percent: Floats, burden: Floats, low: Floats, high: Floats) -> tuple[int, int] | None:
    """One percent from one arm to another of its task type: the greatest relief a unit of value lost."""
    best, found = 0.0, None
    givers = np.flatnonzero(percent - 1 >= low)
    takers = np.flatnonzero(percent + 1 <= high)
    by_group: dict[int, list[int]] = {}
    for taker in takers.tolist():
        by_group.setdefault(int(problem.group_of[taker]), []).append(taker)
    for giver in givers[burden[givers] > 0].tolist():
        for taker in by_group.get(int(problem.group_of[giver]), ()):
            relief = burden[giver] - burden[taker]
            loss = max(problem.objective[giver] - problem.objective[taker], 0.0)
            worth = relief / (loss + SLACK)
            if relief > SLACK and worth > best:
                best, found = worth, (giver, taker)
    return found
