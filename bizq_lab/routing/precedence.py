"""Who wins when wishes disagree (S9): the one table. Must not know how a decision is built from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.routing import adjustments as adjust
from bizq_lab.routing import constraints as require

if TYPE_CHECKING:
    from bizq_lab.catalog.schema import TaskTypeEntry
    from bizq_lab.core.model import ModelConfig
    from bizq_lab.routing.option import Offer
    from bizq_lab.routing.terms import Terms

Amend = Callable[["ModelConfig", "Terms", "TaskTypeEntry"], "ModelConfig"]
Narrow = Callable[[Sequence["Offer"], "Terms", str], adjust.Narrowed]


class Level(NamedTuple):
    """One row of the table.

    Attributes:
        name: Of the level.
        standing: Constraints from context and catalog alone.
        passing: Constraints from the task, the budget and the snapshot.
        amend: Changes parameters; a higher level has the last word.
        narrow: Picks among feasible offers; a higher level has the first word.
    """

    name: str
    standing: tuple[require.Standing, ...] = ()
    passing: tuple[require.Passing, ...] = ()
    amend: Amend | None = None
    narrow: Narrow | None = None


PRECEDENCE: tuple[Level, ...] = (
    Level(
        "hard constraints",
        standing=(require.NotRetired(), require.Residency(), require.Capability()),
        passing=(
            require.Available(),
            require.WithinRateLimits(),
            require.FitsContextWindow(),
            require.MeetsDeadline(),
            require.WithinMaxCost(),
            require.WithinWorkspaceBudget(),
        ),
    ),
    Level("consistency", amend=adjust.pin),
    Level("entitlement", standing=(require.Entitled(),)),
    Level("quality floor", standing=(require.QualityFloor(),), amend=adjust.cool),
    Level("budget cap", standing=(require.BudgetCap(),), narrow=adjust.cheapest_on_conflict),
    Level("priority", amend=adjust.shorten, narrow=adjust.fast_first),
    Level("preferences", narrow=adjust.same_tier_elsewhere),
    Level("matrix", narrow=adjust.keep_base),
)

STANDING = tuple(constraint for level in PRECEDENCE for constraint in level.standing)
PASSING = tuple(constraint for level in PRECEDENCE for constraint in level.passing)
AMENDMENTS = tuple(level.amend for level in reversed(PRECEDENCE) if level.amend is not None)
NARROWINGS = tuple(level.narrow for level in PRECEDENCE if level.narrow is not None)
