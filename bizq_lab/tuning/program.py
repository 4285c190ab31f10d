"""The nouns of the program of routing weights: options, limits, problem, solution. Solves nothing, knows no log.

Shares x[t, a] of task type t to arm a maximise the total value, subject to budget and floors. Everything is an array
or a number: evidence becomes a `Problem` elsewhere, and `solver` solves it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bizq_lab.errors import InputError
from bizq_lab.stats.types import Floats

PERCENT = 100
SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One arm at one task type.

    Attributes:
        group: Task type.
        arm: Arm id.
        value: What a task is worth if this arm does it, at the bound that is maximised.
        low: Least share, in [0, 1].
        high: Greatest share, in [0, 1].
        expected_value: What it is worth by the point estimate.
        expected_cost_usd: What a task costs by the point estimate.
    """

    group: str
    arm: str
    value: float
    low: float = 0.0
    high: float = 1.0
    expected_value: float = 0.0
    expected_cost_usd: float = 0.0


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


_STAYS = ("groups", "group_of", "objective", "expected", "bounds", "percent_bounds", "matrix", "simplex")


@dataclass(frozen=True, kw_only=True)
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

    @cached_property
    def groups(self) -> list[str]:
        """Task types, in order of appearance."""
        return list(dict.fromkeys(option.group for option in self.options))

    @cached_property
    def group_of(self) -> NDArray[np.intp]:
        """Shape (options,). Code of each option's task type."""
        codes = {name: code for code, name in enumerate(self.groups)}
        return np.array([codes[option.group] for option in self.options], dtype=np.intp)

    @cached_property
    def objective(self) -> Floats:
        """Shape (options,). Value of moving all of a task type's traffic to each option."""
        return np.array([option.value * self.volumes[option.group] for option in self.options])

    @cached_property
    def expected(self) -> Floats:
        """Shape (2, options). Expected value and cost, of all of a task type's traffic."""
        value = [option.expected_value * self.volumes[option.group] for option in self.options]
        cost = [option.expected_cost_usd * self.volumes[option.group] for option in self.options]
        return np.array([value, cost])

    @cached_property
    def bounds(self) -> Any:
        """Shape (options, 2). Least and greatest share."""
        return np.array([(option.low, option.high) for option in self.options])

    @cached_property
    def percent_bounds(self) -> NDArray[np.intp]:
        """Shape (options, 2). The whole percentages within the bounds."""
        low, high = self.bounds.T * PERCENT
        slack = SLACK * PERCENT
        return np.stack([np.ceil(low - slack), np.floor(high + slack)], axis=1).astype(np.intp)

    @cached_property
    def matrix(self) -> Any:
        """Sparse, shape (limits, options). The limits' coefficients."""
        from scipy.sparse import csr_array  # noqa: PLC0415 - heavy, needed only to tune

        sizes = [len(limit.coefficients) for limit in self.limits]
        columns = [column for limit in self.limits for column in limit.coefficients]
        values = [value for limit in self.limits for value in limit.coefficients.values()]
        rows = np.repeat(np.arange(len(sizes)), sizes)
        return csr_array((values, (rows, columns)), shape=(len(sizes), len(self.options)))

    @cached_property
    def right(self) -> Floats:
        """Shape (limits,). The limits' bounds."""
        return np.array([limit.bound for limit in self.limits])

    @cached_property
    def simplex(self) -> Any:
        """Sparse, shape (groups, options). Ones where an option belongs to a task type."""
        from scipy.sparse import csr_array  # noqa: PLC0415 - as above

        count = len(self.options)
        return csr_array((np.ones(count), (self.group_of, np.arange(count))), shape=(len(self.groups), count))

    def value(self, shares: Sequence[float] | Floats) -> float:
        """Total value of these shares."""
        return float(self.objective @ np.asarray(shares))

    def excess(self, shares: Sequence[float] | Floats) -> Floats:
        """Shape (limits,). How far beyond its bound each limit is, rounding noise aside; 0 where it is kept."""
        if not self.limits:
            return np.zeros(0)
        over = self.matrix @ np.asarray(shares, dtype=np.float64) - self.right
        return np.where(over > SLACK * np.maximum(1.0, np.abs(self.right)), over, 0.0)

    def broken(self, shares: Sequence[float] | Floats) -> list[Limit]:
        """Limits that these shares exceed."""
        return [limit for limit, over in zip(self.limits, self.excess(shares), strict=True) if over > 0.0]

    def in_percent(self) -> Problem:
        """The same problem with bounds that whole percentages can meet."""
        bounds = self.percent_bounds / PERCENT
        options = tuple(
            replace(option, low=float(low), high=float(high))
            for option, (low, high) in zip(self.options, bounds, strict=True)
        )
        return replace(self, options=options)

    def with_limit(self, name: str, bound: float) -> Problem:
        """The same problem with one limit moved.

        Raises:
            InputError: There is no limit of that name.
        """
        if name not in {limit.name for limit in self.limits} or not math.isfinite(bound):
            message = f"limit {name!r} to {bound!r}: no such limit, or no such bound"
            raise InputError(message, hint=f"limits: {', '.join(limit.name for limit in self.limits) or 'none'}")
        limits = tuple(replace(limit, bound=bound) if limit.name == name else limit for limit in self.limits)
        moved = replace(self, limits=limits)
        # All but the right-hand side stays as it is, and a frontier moves it fifty times.
        moved.__dict__.update({name: self.__dict__[name] for name in _STAYS if name in self.__dict__})
        return moved

    def check(self) -> None:
        """Refuse bounds that no whole percentages can meet.

        Raises:
            InputError: A task type whose least shares exceed 1, or whose greatest do not reach it.
        """
        sums = self.simplex @ self.percent_bounds
        for group, (low, high) in zip(self.groups, sums, strict=True):
            if not low <= PERCENT <= high:
                message = f"{group!r}: least shares sum to {low:.0f} %, greatest to {high:.0f} %, must allow 100 %"
                raise InputError(message, hint="lower the exploration floor, or raise the ramp limit")


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
