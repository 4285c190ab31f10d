"""Logged tasks, routed again and counted, one at a time. Must not know providers, nor how the counts are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from bizq_lab.core.estimate import Caveat
from bizq_lab.core.money import Money
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import BizqLabError, NoFeasibleModel

if TYPE_CHECKING:
    from bizq_lab.core.model import ModelConfig
    from bizq_lab.core.snapshot import Snapshot
    from bizq_lab.routing import AITaskRouter
    from bizq_lab.store import Log

PAGE = 2_000
SHA256_CHARS = 64
INFEASIBLE = "infeasible"


class Logged(NamedTuple):
    """A logged decision, as it can be routed again."""

    task: Task
    context: RoutingContext
    model: str
    prompt: str
    temperature: float | None
    max_tokens: int


@dataclass(slots=True)
class Tally:
    """Counts of one task type; they grow with its models, never with its decisions."""

    n: int = 0
    other_prompt: int = 0
    not_kept: int = 0
    paired: int = 0
    costed: int = 0
    before_nano_usd: int = 0
    after_nano_usd: int = 0
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


class Rerouting:
    """Routes one logged decision after the other, and counts."""

    def __init__(self, router: AITaskRouter, snapshot: Snapshot) -> None:
        self._router = router
        self._snapshot = snapshot
        self.tallies: dict[str, Tally] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one row of `logged_tasks`."""
        tally = self.tallies.setdefault(row["task_type"], Tally())
        logged = _logged(row)
        if logged is None:
            tally.not_kept += 1
            return
        tally.n += 1
        tally.paired += row["design"] == "paired"
        tally.before[logged.model] += 1
        try:
            decision = self._router.route_task(logged.task, logged.context, snapshot=self._snapshot)
        except BizqLabError as error:
            tally.after[INFEASIBLE] += 1
            tally.reasons.update(_codes(error))
            return
        chosen = decision.config
        tally.after[chosen.key] += 1
        if chosen.key != logged.model:
            tally.moves[logged.model, chosen.key] += 1
        elif chosen.prompt != logged.prompt:
            tally.other_prompt += 1
        before, after = self._quoted(logged), decision.estimate.estimated_cost
        if before is not None and after is not None:
            tally.costed += 1
            tally.before_nano_usd += Money.from_usd(before).nano_usd
            tally.after_nano_usd += Money.from_usd(after).nano_usd

    def caveats(self) -> tuple[Caveat, ...]:
        """What the counts leave out, or take in."""
        found = []
        lost = sum(tally.not_kept for tally in self.tallies.values())
        if lost:
            said = (
                f"{lost:,} decisions were logged without their input (payloads hash or none) and are not routed again"
            )
            found.append(Caveat(code="inputs_not_kept", message=said))
        paired = sum(tally.paired for tally in self.tallies.values())
        if paired:
            said = f"{paired:,} decisions belong to paired experiments, whose plan chose the arm rather than a config"
            found.append(Caveat(code="paired_decisions", message=said))
        uncosted = sum(tally.n - tally.after[INFEASIBLE] - tally.costed for tally in self.tallies.values())
        if uncosted:
            said = f"the cost of {uncosted:,} decisions is not known on both sides, and is in neither mean"
            found.append(Caveat(code="unpriced", message=said))
        return tuple(found)

    def _quoted(self, logged: Logged) -> float | None:
        """Expected cost of the logged model for this task; None where it or its prompt is gone, or has no price."""
        try:
            config = self._config(logged)
            return self._router.quote(logged.task, config, logged.context, self._snapshot.evidence).estimated_cost
        except BizqLabError:
            return None

    def _config(self, logged: Logged) -> ModelConfig:
        entry, _ = self._router.catalog.task_type(logged.task.type)
        return self._router.catalog.model_config(
            logged.model, entry, variant=logged.prompt, temperature=logged.temperature, max_tokens=logged.max_tokens
        )


def logged_decisions(log: Log, task_type: str | None, limit: int | None) -> Iterator[dict[str, Any]]:
    """Logged decisions, the latest first, read a page at a time."""
    left, last = limit, (None, None)
    while left is None or left > 0:
        page = PAGE if left is None else min(PAGE, left)
        rows = log.query("logged_tasks", task_type=task_type, before_us=last[0], before_id=last[1], page=page)
        yield from rows
        if len(rows) < page:
            return
        last = rows[-1]["recorded_at_us"], rows[-1]["decision_id"]
        left = None if left is None else left - len(rows)


def _logged(row: Mapping[str, Any]) -> Logged | None:
    """The decision, or None where the log does not hold what routing needs."""
    kept = row["task_input"]
    if not isinstance(kept, dict) or _is_hash(kept):
        return None
    try:
        task = Task(id=row["task_id"], key=row["task_key"], type=row["task_type"], input=kept)
        context = RoutingContext.model_validate(row["context"])
    except ValidationError:
        return None
    return Logged(task, context, row["model"], row["prompt"], row["temperature"], row["max_tokens"])


def _is_hash(kept: Mapping[str, Any]) -> bool:
    value = kept.get("sha256")
    return len(kept) == 1 and isinstance(value, str) and len(value) == SHA256_CHARS


def _codes(error: BizqLabError) -> set[str]:
    """Reason codes of every candidate, each once a decision; an error of another kind is its own reason."""
    if not isinstance(error, NoFeasibleModel):
        return {type(error).__name__}
    return {reason.split(":")[0].strip() for _, why in error.reasons for reason in why.split("; ")}
