"""What happened to recent decisions, kept in this process; a lab passes a recorder over its log instead. No I/O."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from statistics import fmean, quantiles, stdev
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bizq_lab.core.snapshot import Evidence, History

if TYPE_CHECKING:
    from bizq_lab.core.decision import RoutingDecision
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.core.task import UserFeedback

MAX_PENDING = 100_000
WINDOW = 200
_FEWEST_FOR_SPREAD = 2


class ResultRecorder(Protocol):
    """Where results and feedback go, and where history comes from."""

    def remember(self, decision: RoutingDecision) -> None:
        """Note that a task has this decision."""

    def decisions_of(self, task_id: str) -> Sequence[str]:
        """Ids of the decisions of a task, oldest first."""

    def record(self, decision_id: str, result: TaskResult, feedback: UserFeedback | None) -> bool:
        """Keep a result, once: False when exactly this was recorded before."""

    def evidence(self) -> Evidence:
        """What the results teach."""


class _Outcome(NamedTuple):
    decision_id: str
    succeeded: bool
    quality: float | None
    seconds: float
    rating: float | None
    cost_usd: float | None


Cell = tuple[str, str, str]


class ProcessMemory:
    """The recorder of a router that was given none: the last 200 outcomes of each cell, forgotten with the process."""

    def __init__(self) -> None:
        """Start empty."""
        self._tasks: OrderedDict[str, list[str]] = OrderedDict()
        self._cells: dict[str, Cell] = {}
        self._outcomes: dict[Cell, deque[_Outcome]] = {}
        self._version = 0
        self._evidence = Evidence()

    def remember(self, decision: RoutingDecision) -> None:
        """Note that a task has this decision; the oldest tasks are forgotten first."""
        known = self._tasks.setdefault(decision.task.id, [])
        if decision.decision_id in known:
            return
        known.append(decision.decision_id)
        self._cells[decision.decision_id] = (decision.task.type, decision.segment, decision.config.key)
        if len(self._tasks) > MAX_PENDING:
            _, forgotten = self._tasks.popitem(last=False)
            for decision_id in forgotten:
                del self._cells[decision_id]

    def decisions_of(self, task_id: str) -> Sequence[str]:
        """Ids of the decisions of a task, oldest first."""
        return tuple(self._tasks.get(task_id, ()))

    def record(self, decision_id: str, result: TaskResult, feedback: UserFeedback | None) -> bool:
        """Keep a result; feedback that arrives later completes it."""
        task_type, segment, key = self._cells[decision_id]
        rating = None if feedback is None else feedback.rating
        cost = None if result.cost is None else float(result.cost)
        new = _Outcome(decision_id, result.status == "completed", result.quality, result.processing_time, rating, cost)
        changed = False
        for cell in ((task_type, segment, key), (task_type, "", key)):
            window = self._outcomes.setdefault(cell, deque(maxlen=WINDOW))
            old = next((place for place, seen in enumerate(window) if seen.decision_id == decision_id), None)
            if old is None:
                window.append(new)
            elif window[old] != (merged := new._replace(rating=window[old].rating if rating is None else rating)):
                window[old] = merged
            else:
                continue
            changed = True
        self._version += changed
        return changed

    def evidence(self) -> Evidence:
        """History of every cell; a new object only when something was recorded."""
        version = f"memory-{self._version}"
        if self._version and self._evidence.version != version:
            history = {cell: _history(window) for cell, window in self._outcomes.items()}
            self._evidence = Evidence(version=version, history=history)
        return self._evidence


def _history(window: Sequence[_Outcome]) -> History:
    seconds = [seen.seconds for seen in window]
    ratings = [seen.rating for seen in window if seen.rating is not None]
    qualities = [seen.quality for seen in window if seen.quality is not None]
    costs = [seen.cost_usd for seen in window if seen.cost_usd is not None]
    enough = len(seconds) >= _FEWEST_FOR_SPREAD
    return History(
        n=len(window),
        successes=sum(seen.succeeded for seen in window),
        quality_mean=fmean(qualities) if qualities else None,
        quality_n=len(qualities),
        latency_mean_s=fmean(seconds),
        latency_sd_s=stdev(seconds) if enough else None,
        latency_p95_s=quantiles(seconds, n=20, method="inclusive")[-1] if enough else seconds[0],
        rating_mean=fmean(ratings) if ratings else None,
        rating_sd=stdev(ratings) if len(ratings) >= _FEWEST_FOR_SPREAD else None,
        rating_n=len(ratings),
        cost_mean_usd=fmean(costs) if costs else None,
        effective_n=float(len(window)),
    )
