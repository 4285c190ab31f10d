"""Solves the program of routing weights by HiGHS, and says what its limits cost. Knows no log and no evidence."""

from __future__ import annotations

import numpy as np

from bizq_lab.core.money import format_usd
from bizq_lab.errors import InfeasibleLimits
from bizq_lab.stats.types import Floats
from bizq_lab.tuning.program import PERCENT, SLACK, Infeasible, Problem, Relaxation, Solution
from bizq_lab.tuning.rounding import largest_remainder, repaired

EXACT_OPTIONS = 600


def solve(problem: Problem) -> Solution | Infeasible:
    """Solve, then round to whole percent that keep every limit.

    Up to 600 options (50 task types x 12 models) an integer program chooses the percentages. Beyond, the largest
    remainders are rounded up, single percents are moved where that breaks a limit, and the integer program is asked
    only if that does not help.

    Raises:
        InputError: A task type whose least shares exceed 1, or whose greatest do not reach it.

    Source:
        Huangfu & Hall 2018, Math. Prog. Comp. 10:119 (HiGHS).
    """
    problem.check()
    found = relaxed(problem)
    if found is None:
        return Infeasible(relaxations=_relaxations(problem))
    shares, prices = found
    percent = None
    if len(problem.options) > EXACT_OPTIONS:
        rounded = largest_remainder(problem, shares)
        percent = None if rounded is None else repaired(problem, rounded)
    if percent is None:
        percent = _integer(problem)
    if percent is None:
        return Infeasible(relaxations=_relaxations(problem.in_percent()))
    return Solution(
        shares=tuple(shares.tolist()),
        percent=tuple(int(p) for p in percent),
        value=problem.value(shares),
        rounded_value=problem.value(percent / PERCENT),
        prices=prices,
    )


def relaxed(problem: Problem) -> tuple[Floats, dict[str, float]] | None:
    """The linear program: shares, and the shadow price of each limit; None where nothing keeps them all."""
    from scipy.optimize import linprog  # noqa: PLC0415 - heavy, needed only to tune

    answer = linprog(
        -problem.objective,
        A_ub=problem.matrix if problem.limits else None,
        b_ub=problem.right if problem.limits else None,
        A_eq=problem.simplex,
        b_eq=np.ones(len(problem.groups)),
        bounds=problem.bounds,
        method="highs",
    )
    if answer.status != 0 or answer.x is None:
        return None
    marginals = answer.ineqlin.marginals if problem.limits else ()
    prices = {limit.name: max(-float(marginal), 0.0) for limit, marginal in zip(problem.limits, marginals, strict=True)}
    return np.clip(answer.x, 0.0, 1.0), prices


def infeasible(answer: Infeasible) -> InfeasibleLimits:
    """The error, with which limit to relax by how much."""
    wishes = [f"{r.name} by {_amount(r.amount, r.unit)}" for r in answer.relaxations]
    hint = f"relax {' and '.join(wishes)}" if wishes else "no whole percentages keep them; relax any of them a little"
    error = InfeasibleLimits("no weights keep all limits", hint=hint)
    error.relax = tuple((r.name, r.amount, r.unit) for r in answer.relaxations)
    return error


def _amount(amount: float, unit: str) -> str:
    return format_usd(amount) if unit == "usd" else f"{amount:.3g} {unit}"


def _integer(problem: Problem) -> Floats | None:
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - as above

    whole = np.full(len(problem.groups), float(PERCENT))
    constraints: list[LinearConstraint] = [LinearConstraint(problem.simplex, whole, whole)]
    if problem.limits:
        constraints.append(LinearConstraint(problem.matrix, -np.inf, problem.right * PERCENT))
    low, high = problem.percent_bounds.T
    answer = milp(
        -problem.objective,
        integrality=np.ones(len(problem.options), dtype=np.int64),
        bounds=Bounds(low, high),
        constraints=constraints,
        # Without presolve: taking a point back through it, HiGHS may write to stdout past every option.
        options={"time_limit": 10.0, "mip_rel_gap": 1e-6, "presolve": False},
    )
    return None if answer.x is None else np.round(answer.x)


def _relaxations(problem: Problem) -> tuple[Relaxation, ...]:
    """The elastic program: least total slack, each limit in its own scale, that makes the rest feasible."""
    if not problem.limits:
        return ()
    from scipy.optimize import linprog  # noqa: PLC0415 - as above
    from scipy.sparse import csr_array, eye_array, hstack  # noqa: PLC0415 - as above

    count, options = len(problem.limits), len(problem.options)
    answer = linprog(
        [*np.zeros(options), *(1.0 / limit.scale for limit in problem.limits)],
        A_ub=hstack([problem.matrix, -eye_array(count)]),
        b_ub=problem.right,
        A_eq=hstack([problem.simplex, csr_array((len(problem.groups), count))]),
        b_eq=np.ones(len(problem.groups)),
        bounds=[*problem.bounds.tolist(), *((0.0, None),) * count],
        method="highs",
    )
    slack = answer.x[options:] if answer.x is not None else np.zeros(count)
    return tuple(
        Relaxation(name=limit.name, amount=float(amount), unit=limit.unit)
        for limit, amount in zip(problem.limits, slack, strict=True)
        if amount > SLACK
    )
