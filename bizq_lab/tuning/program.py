"""The linear program of routing weights, its rounding to percent, and what its constraints cost. Knows no log.

Shares x[t, a] of task type t to arm a maximise the total value, subject to budget and floors. Everything is an array
or a number: evidence becomes a `Problem` elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bizq_lab.errors import InputError
from bizq_lab.stats.types import Floats

if TYPE_CHECKING:
    from scipy.optimize import LinearConstraint

PERCENT = 100
EXACT_OPTIONS = 600
_SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One arm at one task type.

    Attributes:
        group: Task type.
        arm: Arm id.
        value: What a task is worth if this arm does it, at the bound that is maximised.
        low: Least share, in [0, 1].
        high: Greatest share, in [0, 1].
    """

    group: str
    arm: str
    value: float
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A soft constraint `sum(coefficient * share) <= bound`, one that may be relaxed if nothing is feasible.

    Attributes:
        name: Such as `budget`, or `success of order.process_batch`.
        coefficients: By position in the problem's options.
        bound: Right-hand side.
        unit: Of the bound, for words.
        scale: What counts as one unit of relaxation when several compete.
    """

    name: str
    coefficients: dict[int, float]
    bound: float
    unit: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What to maximise, and within what.

    Attributes:
        options: Every (task type, arm).
        volumes: Tasks of each type; values count this many times.
        limits: Soft constraints.
    """

    options: tuple[Option, ...]
    volumes: dict[str, float]
    limits: tuple[Limit, ...] = ()

    @property
    def groups(self) -> list[str]:
        """Task types, in order of appearance."""
        return list(dict.fromkeys(option.group for option in self.options))

    def objective(self) -> Floats:
        """Value of moving all of a task type's traffic to each option."""
        return np.array([option.value * self.volumes[option.group] for option in self.options])

    def value(self, shares: Sequence[float] | Floats) -> float:
        """Total value of these shares."""
        return float(self.objective() @ np.asarray(shares))

    def broken(self, shares: Sequence[float] | Floats) -> list[Limit]:
        """Limits that these shares exceed, rounding noise aside."""
        x = np.asarray(shares)
        return [
            limit
            for limit in self.limits
            if sum(c * x[i] for i, c in limit.coefficients.items()) > limit.bound + _SLACK * max(1.0, abs(limit.bound))
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """How much a limit must give for anything to be feasible."""

    name: str
    amount: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """The optimum, relaxed and in whole percent.

    Attributes:
        shares: Of the linear program, by option.
        percent: Integers by option; they sum to 100 in each task type and keep every limit.
        value: Of the linear program.
        rounded_value: Of the percentages.
        prices: Shadow price by limit: value gained per unit of relaxation.
    """

    shares: tuple[float, ...]
    percent: tuple[int, ...]
    value: float
    rounded_value: float
    prices: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Infeasible:
    """Nothing keeps all limits; this is the smallest relaxation that would."""

    relaxations: tuple[Relaxation, ...]


def solve(problem: Problem) -> Solution | Infeasible:
    """Solve by HiGHS, then round to whole percent that keep every limit.

    Up to 600 options an integer program chooses the percentages. Beyond, the largest remainders are rounded up, and
    the integer program repairs what breaks a limit or a bound.

    Raises:
        InputError: A task type whose least shares exceed 1, or whose greatest do not reach it.

    Source:
        Huangfu & Hall 2018, Math. Prog. Comp. 10:119 (HiGHS).
    """
    _check(problem)
    found = _linear(problem)
    if found is None:
        return Infeasible(relaxations=_relaxations(problem))
    shares, prices = found
    percent = _largest_remainder(problem, shares)
    small = len(problem.options) <= EXACT_OPTIONS
    if small or percent is None or problem.broken(np.array(percent) / PERCENT):
        percent = _integer(problem)
    if percent is None:
        return Infeasible(relaxations=_relaxations(_in_percent(problem)))
    return Solution(
        shares=tuple(float(x) for x in shares),
        percent=tuple(percent),
        value=problem.value(shares),
        rounded_value=problem.value(np.array(percent) / PERCENT),
        prices=prices,
    )


def _linear(problem: Problem) -> tuple[Floats, dict[str, float]] | None:
    from scipy.optimize import linprog  # noqa: PLC0415 - heavy, needed only to tune

    upper, bound = _matrix(problem)
    equal, ones = _simplex(problem)
    answer = linprog(
        -problem.objective(),
        A_ub=upper,
        b_ub=bound,
        A_eq=equal,
        b_eq=ones,
        bounds=[(option.low, option.high) for option in problem.options],
        method="highs",
    )
    if answer.status != 0 or answer.x is None:
        return None
    prices = (
        {}
        if bound is None
        else {
            limit.name: max(-float(marginal), 0.0)
            for limit, marginal in zip(problem.limits, answer.ineqlin.marginals, strict=True)
        }
    )
    return np.clip(answer.x, 0.0, 1.0), prices


def _largest_remainder(problem: Problem, shares: Floats) -> list[int] | None:
    """Whole percent nearest the shares, within each option's bounds; None where the bounds leave no room."""
    percent = [0] * len(problem.options)
    for group in problem.groups:
        mine = [i for i, option in enumerate(problem.options) if option.group == group]
        for i in mine:
            low, high = _bounds(problem.options[i])
            percent[i] = min(max(math.floor(shares[i] * PERCENT + _SLACK), low), high)
        gap = PERCENT - sum(percent[i] for i in mine)
        step = 1 if gap > 0 else -1
        order = sorted(mine, key=lambda i: (-step * (shares[i] * PERCENT - percent[i]), i))
        while gap:
            movable = [
                i
                for i in order
                if _bounds(problem.options[i])[0] <= percent[i] + step <= _bounds(problem.options[i])[1]
            ]
            if not movable:
                return None
            for i in movable[: abs(gap)]:
                percent[i] += step
                gap -= step
    return percent


def _integer(problem: Problem) -> list[int] | None:
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - as above

    equal, ones = _simplex(problem)
    constraints: list[LinearConstraint] = [LinearConstraint(equal, ones * PERCENT, ones * PERCENT)]
    upper, bound = _matrix(problem)
    if upper is not None and bound is not None:
        constraints.append(LinearConstraint(upper, -np.inf, bound * PERCENT))
    low, high = zip(*(_bounds(option) for option in problem.options), strict=True)
    answer = milp(
        -problem.objective(),
        integrality=np.ones(len(problem.options), dtype=np.int64),
        bounds=Bounds(np.array(low), np.array(high)),
        constraints=constraints,
        options={"time_limit": 10.0, "mip_rel_gap": 1e-6},
    )
    return None if answer.x is None else [round(float(x)) for x in answer.x]


def _relaxations(problem: Problem) -> tuple[Relaxation, ...]:
    """The elastic program: least total slack, each limit in its own scale, that makes the rest feasible."""
    from scipy.optimize import linprog  # noqa: PLC0415 - as above

    upper, bound = _matrix(problem)
    if upper is None or bound is None:
        return ()
    count, options = len(problem.limits), len(problem.options)
    equal, ones = _simplex(problem)
    answer = linprog(
        [*np.zeros(options), *(1.0 / limit.scale for limit in problem.limits)],
        A_ub=np.hstack([upper, -np.eye(count)]),
        b_ub=bound,
        A_eq=np.hstack([equal, np.zeros((equal.shape[0], count))]),
        b_eq=ones,
        bounds=[*((option.low, option.high) for option in problem.options), *((0.0, None),) * count],
        method="highs",
    )
    slack = answer.x[options:] if answer.x is not None else np.zeros(count)
    return tuple(
        Relaxation(name=limit.name, amount=float(amount), unit=limit.unit)
        for limit, amount in zip(problem.limits, slack, strict=True)
        if amount > _SLACK
    )


def _in_percent(problem: Problem) -> Problem:
    """The same problem with bounds that whole percentages can meet."""
    options = tuple(replace(o, low=_bounds(o)[0] / PERCENT, high=_bounds(o)[1] / PERCENT) for o in problem.options)
    return replace(problem, options=options)


def _bounds(option: Option) -> tuple[int, int]:
    return math.ceil(option.low * PERCENT - _SLACK * PERCENT), math.floor(option.high * PERCENT + _SLACK * PERCENT)


def _matrix(problem: Problem) -> tuple[Any, Any]:
    if not problem.limits:
        return None, None
    matrix = np.zeros((len(problem.limits), len(problem.options)))
    for row, limit in enumerate(problem.limits):
        for column, coefficient in limit.coefficients.items():
            matrix[row, column] = coefficient
    return matrix, np.array([limit.bound for limit in problem.limits])


def _simplex(problem: Problem) -> tuple[Floats, Floats]:
    groups = problem.groups
    matrix = np.zeros((len(groups), len(problem.options)))
    for column, option in enumerate(problem.options):
        matrix[groups.index(option.group), column] = 1.0
    return matrix, np.ones(len(groups))


def _check(problem: Problem) -> None:
    for group in problem.groups:
        bounds = [_bounds(option) for option in problem.options if option.group == group]
        low, high = sum(b[0] for b in bounds), sum(b[1] for b in bounds)
        if not low <= PERCENT <= high:
            message = f"{group!r}: least shares sum to {low} %, greatest to {high} %, must allow 100 %"
            raise InputError(message, hint="lower the exploration floor, or raise the ramp limit")
