"""What execution's tests share: a small catalog, a fake clock that also owns timeouts, a sink, decisions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, cast

from bizq_lab.catalog.schema import CheckSpec, ModelEntry, PromptSpec, TaskTypeEntry
from bizq_lab.core.decision import CostEstimate, RoutingDecision
from bizq_lab.core.events import AttemptEvent, Event, HumanTaskEvent, OutcomeEvent
from bizq_lab.core.execution import ProviderCall, ProviderReply, Usage
from bizq_lab.core.model import ModelConfig, Price, Tier
from bizq_lab.core.protocols import Provider
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import UnknownModel
from bizq_lab.execution import HealthBook, ResilientExecutor, make_provider
from tests.support.fault_server import FaultServer

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog

Step = Callable[[ProviderCall], Awaitable[ProviderReply]]
EventT = TypeVar("EventT", bound=Event)
TASK_TYPE = "content.write_product_description"
SIDE_EFFECTS = "order.process_batch"
PRICE = Price(
    input_nano_usd_per_mtok=1_000_000_000, output_nano_usd_per_mtok=5_000_000_000, source="test", version="p1"
)
LUNA_PRICE = replace(PRICE, input_nano_usd_per_mtok=2_000_000_000, output_nano_usd_per_mtok=10_000_000_000)
LOCAL_PRICE = Price(core_second_nano_usd=10_000, source="test", version="p1")


class Rendered(NamedTuple):
    """As the catalog's `Prompt`."""

    system: str
    user: str
    version: str


def _model(key: str, tier: Tier = "standard", *, window: int = 8_000, retired: bool = False) -> ModelEntry:
    provider, _, model = key.partition("/")
    return ModelEntry(
        provider=provider,
        model=model,
        api_model=model,
        aliases=(f"{model}-2026-01-01",),
        tier=tier,
        speed_tier="standard",
        context_window=window,
        output_limit=4_000,
        accepts=frozenset({"temperature", "seed"}) if provider != "anthropic" else frozenset(),
        residency="local" if provider == "local" else "remote",
        replaced_by="openai/sol" if retired else None,
    )


class TinyCatalog:
    """The part of `Catalog` that execution reads, with prices that make arithmetic easy."""

    name, version, purpose = "tiny", "c1", "live"
    models: Mapping[str, ModelEntry] = {
        entry.key: entry
        for entry in (
            _model("openai/sol"),
            _model("openai/luna", "economy"),
            _model("openai/old", retired=True),
            _model("openai/wide", window=100_000),
            _model("anthropic/sonnet"),
            _model("anthropic/haiku", "economy"),
            _model("local/small", "economy"),
            _model("local/other", "economy"),
        )
    }

    def resolve(self, name: str) -> ModelEntry:
        """A key, a bare name or a dated id."""
        for entry in self.models.values():
            if name in {entry.key, entry.model, *entry.aliases}:
                return entry
        raise UnknownModel.among(name, self.models)

    def price(self, key: str) -> Price:
        """Easy prices; luna's are double."""
        return LOCAL_PRICE if key.startswith("local/") else LUNA_PRICE if key == "openai/luna" else PRICE

    def is_retired(self, key: str) -> bool:
        """One model is."""
        return key == "openai/old"

    def task_type(self, name: str, *, strict: bool = False) -> tuple[TaskTypeEntry, str]:
        """The same for every name, but for side effects."""
        del strict
        entry = TaskTypeEntry(
            type=name,
            model="openai/sol",
            temperature=0.2,
            max_tokens=100,
            speed_tier="standard",
            reasoning="",
            prompts={"default": PromptSpec(template="{{ input.q }}")},
            checks=(CheckSpec(name="non_empty", severity="reject"), CheckSpec(name="placeholder", severity="flag")),
            side_effects=name == SIDE_EFFECTS,
            value_usd=1.0,
        )
        return entry, "exact"

    def render(self, task: Task, variant: str = "default") -> Rendered:
        """The question alone."""
        del variant
        return Rendered("Be brief.", str(task.input.get("q", "hello")), "v1")

    def model_config(self, key: str, entry: TaskTypeEntry, **parameters: Any) -> ModelConfig:
        """The model with the task's parameters."""
        model = self.models[key]
        return ModelConfig(
            provider=model.provider,
            model=model.model,
            api_model=model.api_model,
            temperature=parameters.get("temperature", entry.temperature),
            max_tokens=parameters.get("max_tokens") or entry.max_tokens,
            speed_tier=model.speed_tier,
            tier=model.tier,
            price=self.price(key),
            accepts=model.accepts,
        )


class FakeClock:
    """Time that moves only when told to, with sleeps on record and timeouts that obey it."""

    def __init__(self) -> None:
        self.reset()
        self._bounds: dict[int, tuple[float, asyncio.AbstractEventLoop, asyncio.Timeout]] = {}
        self._ids = count()
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Back to the start."""
        self.now = 1_000.0
        self.slept: list[float] = []

    def now_us(self) -> int:
        """A wall clock that agrees with the fake time."""
        return 1_795_000_000_000_000 + round(self.now * 1e6)

    def monotonic(self) -> float:
        """The fake time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let fake time pass, on record."""
        self.slept.append(seconds)
        self.now += seconds

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        """As `asyncio.timeout`, but it ends when this clock says so."""
        number = next(self._ids)
        async with asyncio.timeout(None) as bound:
            with self._lock:
                self._bounds[number] = (self.now + seconds, asyncio.get_running_loop(), bound)
            try:
                yield
            finally:
                with self._lock:
                    self._bounds.pop(number, None)

    def tick(self, seconds: float) -> bool:
        """Let time pass, but not beyond the nearest timeout, which ends its call; says whether none was reached."""
        with self._lock:
            nearest = min((deadline for deadline, _, _ in self._bounds.values()), default=None)
            if nearest is None or self.now + seconds < nearest:
                self.now += seconds
                return True
        self.expire()
        return False

    def expire(self) -> None:
        """Move to the nearest timeout and let it end its call; safe from any thread."""
        with self._lock:
            number = min(self._bounds, key=lambda key: self._bounds[key][0])
            deadline, loop, bound = self._bounds.pop(number)
            self.now = max(self.now, deadline)
        loop.call_soon_threadsafe(lambda: bound.reschedule(loop.time()))


class ScriptedProvider:
    """A provider without a network: each call takes the next step of a script, the last one again and again.

    A step is a reply, an error to raise, or a callable that gets the call.
    """

    name, live = "scripted", False

    def __init__(self, *steps: ProviderReply | BaseException | Step) -> None:
        self._steps = list(steps)
        self.calls: list[ProviderCall] = []

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """The next step."""
        self.calls.append(call)
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, BaseException):
            raise step
        return step if isinstance(step, ProviderReply) else await step(call)

    async def aclose(self) -> None:
        """Nothing to close."""


def reply(text: str = "Fine.", **changes: Any) -> ProviderReply:
    """A good answer of 40 input and 7 output tokens in half a second."""
    made = ProviderReply(
        text=text, finish_reason="stop", served_model="", usage=Usage(40, 7), response_time_s=0.5, first_token_s=0.1
    )
    return replace(made, **changes)


def scripted(
    *, clock: FakeClock | None = None, sink: ListSink | None = None, providers: Mapping[str, Provider], **settings: Any
) -> ResilientExecutor:
    """An executor over providers without a network; everything else as in `Bench`."""
    clock, numbers = clock or FakeClock(), count(1)
    return ResilientExecutor(
        settings.pop("catalog", CATALOG),
        providers,
        sink or ListSink(),
        clock=clock,
        ids=lambda prefix: f"{prefix}_{next(numbers)}",
        timeout=clock.timeout,
        **settings,
    )


class ListSink:
    """Events in memory, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.before_append: Callable[[Event], None] = lambda _: None

    def append(self, event: Event) -> None:
        """Keep the event."""
        self.before_append(event)
        self.events.append(event)

    def of(self, kind: type[EventT]) -> list[EventT]:
        """Events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def attempts(self) -> list[AttemptEvent]:
        """Attempt rows."""
        return self.of(AttemptEvent)

    @property
    def outcome(self) -> OutcomeEvent:
        """The only outcome row."""
        (only,) = self.of(OutcomeEvent)
        return only

    @property
    def human_tasks(self) -> list[HumanTaskEvent]:
        """Human task rows."""
        return self.of(HumanTaskEvent)


CATALOG = cast("Catalog", TinyCatalog())


def config(key: str, **changes: Any) -> ModelConfig:
    """A model's config with the task type's parameters."""
    entry, _ = CATALOG.task_type(TASK_TYPE)
    return replace(CATALOG.model_config(key, entry), **changes)


def decision(
    primary: str, *fallbacks: str, task: Task | None = None, context: RoutingContext | None = None
) -> RoutingDecision:
    """A decision of the rules for `primary`, with a chain after it."""
    context = context or RoutingContext(workspace_id="ws_1")
    return RoutingDecision(
        decision_id="dec_1",
        task=task or Task(type=TASK_TYPE, input={"q": "hello"}, id="task_1"),
        context=context,
        base_source="exact",
        segment="",
        arm="default",
        policy="rules",
        design="observational",
        config=config(primary),
        fallbacks=tuple(config(key) for key in fallbacks),
        candidates=(),
        propensity=1.0,
        estimate=CostEstimate(0, 0, None, None, None, 0.0, primary),
        unit=context.workspace_id,
        config_hash="h",
        catalog_version="c1",
        snapshot_id="s",
        seed=0,
    )


class Bench:
    """An executor over the fault server, with everything injected and everything visible."""

    def __init__(self, server: FaultServer, *, stream: bool = True, **settings: Any) -> None:
        self.server, self.stream, self.settings = server, stream, settings
        self.clock = FakeClock()
        self.providers: dict[str, Provider] = {
            "openai": make_provider("openai", base_url=server.base_url("openai"), clock=self.clock),
            "anthropic": make_provider("anthropic", base_url=server.base_url("anthropic"), clock=self.clock),
            "local": make_provider("local", url=server.base_url("local"), threads=1, clock=self.clock),
        }
        self.fresh()

    def fresh(self) -> Self:
        """New books, breakers and executor around the same clients and clock, which is set back."""
        self.clock.reset()
        self.sink = ListSink()
        self.health = HealthBook(clock=self.clock)
        numbers = count(1)
        self.executor = ResilientExecutor(
            CATALOG,
            self.providers,
            self.sink,
            clock=self.clock,
            ids=lambda prefix: f"{prefix}_{next(numbers)}",
            health=self.health,
            stream=self.stream,
            timeout=self.clock.timeout,
            **self.settings,
        )
        return self

    def run(self, made: RoutingDecision) -> Any:
        """Execute on the background loop, as a script would."""
        return self.executor.execute_with_failover(made.task, made, made.context)

    def close(self) -> None:
        """Close the connections."""
        self.executor.wait(self.executor.aclose())


def classes(rows: Sequence[AttemptEvent]) -> list[str]:
    """Model and error class of each attempt, in order: `openai/sol:server_error`."""
    return [f"{row.model}:{row.error_type or 'ok'}" for row in rows]
