"""What every side of a lab stands on. Holds; does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.core.snapshot import BudgetView, Evidence, Snapshot

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.config import RoutingConfig
    from bizq_lab.core.protocols import Clock, IdSource
    from bizq_lab.core.task import RoutingContext
    from bizq_lab.execution import BudgetLedger, ResilientExecutor
    from bizq_lab.lab.service import BizQAIRouter
    from bizq_lab.store import Log


class Parts:
    """The parts of a `Lab`, wired by its constructor."""

    log: Log
    catalog: Catalog
    clock: Clock
    ids: IdSource
    seed: int
    ledger: BudgetLedger | None
    executor: ResilientExecutor
    config: RoutingConfig | None
    service: BizQAIRouter
    _evidence: Evidence
    _trusted: dict[tuple[str, str], bool]

    def snapshot(self, context: RoutingContext | None = None) -> Snapshot:
        """What routing may know right now: live health, the evidence of the last `learn`, what is left to spend."""
        book, budget = self.executor.health, BudgetView()
        if self.ledger is not None and context is not None:
            budget = self.ledger.view(context.workspace_id)
        return Snapshot(
            id="/".join((self._evidence.version, str(book.version), *([budget.version] if self.ledger else []))),
            health=book.snapshot(),
            evidence=self._evidence,
            budget=budget,
        )
