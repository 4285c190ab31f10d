"""What would another config have decided? Logged tasks are routed again, nothing is executed. Must not know providers.

Costs before and after are estimates of today's prices and evidence for the model that was logged and for the one that
would be chosen, so that they differ by the choice alone. Health and rate limits are of the moment, and take no part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.analysis.rerouting import INFEASIBLE, Rerouting, Tally, logged_decisions
from bizq_lab.core.money import Money
from bizq_lab.core.result import Provenance, Result
from bizq_lab.core.snapshot import Evidence, Snapshot
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.routing import AITaskRouter

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.catalog import Catalog
    from bizq_lab.config import RoutingConfig
    from bizq_lab.core.result import Cell
    from bizq_lab.store import Log

NANO = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfRow:
    """One task type.

    Attributes:
        task_type: Task type.
        n: Decisions that were routed again.
        changed: How many of them get another model.
        other_prompt: How many keep the model and get another prompt.
        infeasible: How many nothing could serve under the other config; in no other figure than `n`.
        reasons: Why, with how many decisions each reason held for, the most frequent first.
        not_kept: Decisions whose input the log does not hold; in no other figure.
        costed: Decisions whose cost is known before and after.
        before_nano_usd: Expected cost of those with the logged models.
        after_nano_usd: Expected cost of those with the other config's.
        before: Decisions by logged model.
        after: Decisions by chosen model.
        main_move: The most frequent change of model, or empty.
    """

    task_type: str
    n: int
    changed: int
    other_prompt: int
    infeasible: int
    reasons: tuple[tuple[str, int], ...]
    not_kept: int
    costed: int
    before_nano_usd: int
    after_nano_usd: int
    before: Mapping[str, int]
    after: Mapping[str, int]
    main_move: str

    @property
    def changed_share(self) -> float | None:
        """Share of decisions whose model changes, among those that can be served; None without any."""
        served = self.n - self.infeasible
        return self.changed / served if served else None


@dataclass(frozen=True, kw_only=True, repr=False)
class WhatIf(Result):
    """What would change under another config."""

    title: ClassVar[str] = "What if"
    columns: ClassVar[tuple[str, ...]] = (
        "task_type",
        "n",
        "changed",
        "changed_share",
        "other_prompt",
        "before_usd",
        "after_usd",
        "infeasible",
        "reasons",
        "not_kept",
        "main_move",
    )

    rows: tuple[WhatIfRow, ...]

    def summary(self) -> str:
        """How many decisions would change, and what they would cost."""
        n, changed, infeasible = (sum(getattr(row, name) for row in self.rows) for name in ("n", "changed", INFEASIBLE))
        before, after = (sum(getattr(row, f"{name}_nano_usd") for row in self.rows) for name in ("before", "after"))
        costs = f"{Money(before)} before, {Money(after)} after" if any(row.costed for row in self.rows) else "unknown"
        return f"{changed:,} of {n:,} decisions get another model, {infeasible:,} none; expected cost {costs}."

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a task type; costs are means over the decisions whose cost is known on both sides."""
        return [
            {
                "task_type": row.task_type,
                "n": row.n,
                "changed": row.changed,
                "changed_share": row.changed_share,
                "other_prompt": row.other_prompt,
                "before_usd": row.before_nano_usd / NANO / row.costed if row.costed else None,
                "after_usd": row.after_nano_usd / NANO / row.costed if row.costed else None,
                INFEASIBLE: row.infeasible,
                "reasons": ", ".join(f"{reason} ({n})" for reason, n in row.reasons),
                "not_kept": row.not_kept,
                "main_move": row.main_move,
            }
            for row in self.rows
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Share of each model, before and after."""
        from bizq_lab.viz import weights  # noqa: PLC0415 - loads matplotlib

        shown = [row for row in self.rows if row.n]
        before = {(row.task_type, key): 100 * n / row.n for row in shown for key, n in row.before.items()}
        after = {(row.task_type, key): 100 * n / row.n for row in shown for key, n in row.after.items()}
        return weights(before, after, title="Share of decisions by model, as logged and what if", ax=ax)


def what_if(
    log: Log,
    catalog: Catalog,
    config: RoutingConfig | None,
    *,
    evidence: Evidence | None = None,
    task_type: str | None = None,
    limit: int | None = None,
) -> WhatIf:
    """Route the log's tasks again under another config, and count what would change.

    Decisions are read a page at a time, so that a long log needs no more memory than a short one.

    Args:
        log: The log.
        catalog: Models and prices for both sides.
        config: The other config; None means the rules alone.
        evidence: What the log taught; None means the catalog's priors.
        task_type: Only this task type.
        limit: Only the latest so many decisions.

    Raises:
        InputError: `limit` is not positive.
        NotEnoughData: The log holds no such decision.
        UnknownModel: The config names a model that the catalog does not have.
    """
    if limit is not None and limit < 1:
        message = f"limit == {limit!r}, must be positive"
        raise InputError(message)
    known = evidence or Evidence()
    study = Rerouting(AITaskRouter(catalog, config), Snapshot(id=f"what-if/{known.version}", evidence=known))
    count = 0
    for row in logged_decisions(log, task_type, limit):
        study.add(row)
        count += 1
    if not count:
        message = "the log holds no decision" + (f" of {task_type!r}" if task_type else "")
        raise NotEnoughData(message, hint="run some tasks first, or name another task type")
    return WhatIf(
        rows=tuple(_row(name, tally) for name, tally in sorted(study.tallies.items())),
        caveats=study.caveats(),
        provenance=Provenance(
            view="decision",
            window="all" if limit is None else f"latest {count:,}",
            n_decisions=count,
            config_hash="" if config is None else config.hash,
            catalog_version=catalog.version,
        ),
    )


def _row(task_type: str, tally: Tally) -> WhatIfRow:
    frequent = sorted(tally.moves.items(), key=lambda move: (-move[1], move[0]))
    return WhatIfRow(
        task_type=task_type,
        n=tally.n,
        changed=tally.moves.total(),
        other_prompt=tally.other_prompt,
        infeasible=tally.after[INFEASIBLE],
        reasons=tuple(sorted(tally.reasons.items(), key=lambda reason: (-reason[1], reason[0]))),
        not_kept=tally.not_kept,
        costed=tally.costed,
        before_nano_usd=tally.before_nano_usd,
        after_nano_usd=tally.after_nano_usd,
        before=dict(tally.before),
        after=dict(tally.after),
        main_move=" -> ".join(frequent[0][0]) if frequent else "",
    )
