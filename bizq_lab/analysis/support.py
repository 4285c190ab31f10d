"""What the log cannot say of a config: refusals that name what to switch on, and reservations. Values nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bizq_lab.core.estimate import Caveat
from bizq_lab.errors import NotEnoughData, PositivityViolation

if TYPE_CHECKING:
    from bizq_lab.analysis.cells import Window
    from bizq_lab.analysis.logged_traffic import Unusable
    from bizq_lab.analysis.valuation import Valued

SWITCH_ON = (
    "give several arms a weight in the routing config, or an `adaptive` policy with an exploration floor, so that "
    "chance decides some tasks; or run a paired experiment: bizq-lab experiment"
)
THIN = 30.0


def unsupported(missing: Sequence[tuple[str, str]], rest: Sequence[str]) -> PositivityViolation:
    """The refusal that lists what the log never could have done; `rest` are task types it could speak of."""
    lines = "".join(f"\n  {name}  {arm}" for name, arm in missing)
    message = f"{len(missing)} arms of this config never could have been chosen, so the log cannot value them:{lines}"
    other = f"; or ask for one that has support: task_type={rest[0]!r}" if rest else ""
    error = PositivityViolation(message, hint=f"{SWITCH_ON}{other}")
    error.missing = tuple(missing)
    return error


def unexplored(unusable: Mapping[str, Unusable], window: Window) -> NotEnoughData:
    """The refusal where nothing was left to chance, and what to switch on (S26)."""
    fixed, bare = (sum(getattr(u, name) for u in unusable.values()) for name in ("fixed", "unpropensed"))
    pending = sum(u.pending for u in unusable.values())
    if not unusable:
        message = f"the log holds no decision of a task type that the config routes, for {window}"
        return NotEnoughData(message, hint="run some tasks first, or name another task type or window")
    parts = [
        f"{fixed:,} decisions left nothing to chance" if fixed else "",
        f"{bare:,} carry no propensity, as imported ones do" if bare else "",
        f"{pending:,} have no outcome yet" if pending else "",
    ]
    message = f"no decision can value another config: {', '.join(filter(None, parts)) or 'nothing is paired'}"
    return NotEnoughData(message, hint=SWITCH_ON)


def caveats(chosen: Sequence[Valued], unusable: Mapping[str, Unusable]) -> tuple[Caveat, ...]:
    """Every reservation about the values of these task types; a sentence that does not apply is empty."""
    wrong = [v.task_type for v in chosen if v.weights is not None and not v.weights.propensities_ok]
    left = [f"{v.left_out:,} of {v.task_type}" for v in chosen if v.left_out]
    infeasible = sum(v.infeasible for v in chosen)
    thin = [v.task_type for v in chosen if v.ess < THIN]
    outside = sorted(set(unusable) - {v.task_type for v in chosen})
    bare = sum(u.unpropensed for u in unusable.values())
    pending = sum(u.pending for u in unusable.values())
    unpriced = [v.task_type for v in chosen if "cost" not in v.values]
    unscored = [v.task_type for v in chosen if "quality" not in v.values]
    said = {
        "propensities_miscalibrated": wrong
        and f"Mean weights beyond three standard errors of 1: propensities are wrong at {', '.join(wrong)}",
        "partly_supported": left
        and f"Decisions in which not all of the config could have been logged are left out: {', '.join(left)}",
        "infeasible": infeasible
        and f"{infeasible:,} decisions could be served by nothing under the config, and are left out",
        "few_effective": thin and f"Fewer than {THIN:g} effective decisions at {', '.join(thin)}: intervals are rough",
        "not_evaluated": outside
        and f"Nothing was left to chance or paired at {', '.join(outside)}; they are in no figure",
        "no_propensity": bare and f"{bare:,} decisions carry no propensity, as imported ones do, and are left out",
        "pending": pending and f"{pending:,} decisions have no outcome yet and are left out",
        "unpriced": unpriced and f"No cost and no net benefit where calls have no known price: {', '.join(unpriced)}",
        "value_by_success": unscored
        and f"Success stands for quality where not every answer was scored: {', '.join(unscored)}",
    }
    return tuple(Caveat(code=code, message=str(message)) for code, message in said.items() if message)
