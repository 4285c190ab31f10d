"""Where the rooms meet: Protocols only, so that no sibling imports another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from bizq_lab.core.decision import Design, RoutingDecision
    from bizq_lab.core.events import Event
    from bizq_lab.core.execution import ProviderCall, ProviderReply, TaskResult
    from bizq_lab.core.task import RoutingContext, Task


class Clock(Protocol):
    """Wall time for the record, monotonic time for durations, and sleep; all injected."""

    def now_us(self) -> int:
        """UTC microseconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds that never go backwards."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class IdSource(Protocol):
    """Where identifiers come from: random in life, seeded in a replayed study."""

    def __call__(self, prefix: str) -> str:
        """A new identifier such as `dec_…`."""


class EventSink(Protocol):
    """Where events go. `append` returns once the event is safe, and raises `JournalWriteError` if it is not."""

    def append(self, event: Event) -> None:
        """Write one event."""


class Provider(Protocol):
    """Something that answers a call. Raises `ProviderError` with exactly one error class, and nothing else."""

    name: str

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """Make the call once; never retry."""

    async def aclose(self) -> None:
        """Release clients and engines."""


class RecordedOutcome(NamedTuple):
    """One recorded real outcome; times in seconds."""

    text: str
    finish_reason: str
    served_model: str
    input_tokens: int
    output_tokens: int
    response_time_s: float
    first_token_s: float | None
    core_seconds: float
    error_class: str = ""


class OutcomeSource(Protocol):
    """Recorded outcomes by (task type, task key, arm, repeat)."""

    def lookup(self, *, task_type: str, task_key: str, arm: str, model: str, repeat: int) -> RecordedOutcome | None:
        """The outcome, or None when it was never recorded. A repeat beyond the last wraps around."""


class Runner(Protocol):
    """The one route-execute-log path, as experiments see it."""

    async def run(
        self,
        task: Task,
        context: RoutingContext,
        *,
        arm: str | None = None,
        experiment: str = "",
        design: Design = "observational",
        repeat: int = 0,
    ) -> tuple[RoutingDecision, TaskResult]:
        """Route (or take the arm given), execute, log."""
