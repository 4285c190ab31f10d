"""Fabricated streams of decisions and outcomes for tests of analysis and tuning: real events, invented truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Protocol

from bizq_lab.core.events import DecisionEvent, Event, ExperimentEvent, FeedbackEvent, OutcomeEvent
from bizq_lab.simulate import World

START_US = 1_793_491_200_000_000  # 2026-11-01, UTC
STEP_US = 1_000_000
TASK_TYPE = "order.process_batch"


class Sink(Protocol):
    """Where the stream goes: a real log."""

    def append(self, event: Event) -> None:
        """Write one event."""


class Stream:
    """Appends decisions with their outcomes, a second apart.

    Args:
        sink: A real log.
        defaults: Fields of every decision that differ from the plain ones.
    """

    def __init__(self, sink: Sink, **defaults: Any) -> None:
        self._sink = sink
        self._defaults = defaults
        self._number = count()

    def decide(self, *, arm: str, task: str, repeat: int = 0, **fields: Any) -> str:
        """One decision; its outcome is pending."""
        number = next(self._number)
        values: dict[str, Any] = {
            "event_id": f"evt_d{number}",
            "recorded_at_us": START_US + number * STEP_US,
            "decision_id": f"dec_{number}",
            "task_id": f"{task}#{repeat}",
            "task_key": task,
            "task_type": TASK_TYPE,
            "base_source": "exact",
            "workspace_id": "ws",
            "unit": "ws",
            "segment": "",
            "arm": arm,
            "model": f"openai/{arm}",
            "provider": "openai",
            "policy": "experiment",
            "design": "paired",
            "experiment": "",
            "stage": "",
            "repeat": repeat,
            "propensity_ppb": 1_000_000_000,
            "config_hash": "c0",
            "catalog_version": "v0",
            "snapshot_id": "s0",
            "seed": 0,
            "prompt": "default",
            "prompt_version": f"p-{arm}",
            "temperature": None,
            "max_tokens": 100,
            "estimated_cost_nano_usd": None,
            "estimated_high_nano_usd": None,
            "candidates": [{"arm": arm, "propensity": 1.0}],
        }
        values |= self._defaults | fields
        event = DecisionEvent(**values)
        self._sink.append(event)
        return event.decision_id

    def finish(self, decision_id: str, *, succeeded: bool, **fields: Any) -> None:
        """The outcome of a decision. `cost_usd`, `latency_s` and `quality` are in their own units."""
        number = next(self._number)
        quality, cost = fields.pop("quality", 1.0 if succeeded else 0.0), fields.pop("cost_usd", 0.001)
        values: dict[str, Any] = {
            "event_id": f"evt_o{number}",
            "recorded_at_us": START_US + number * STEP_US,
            "decision_id": decision_id,
            "status": "completed" if succeeded else "escalated",
            "succeeded": succeeded,
            "served_model": "served-1",
            "attempts": 1,
            "failed_over": False,
            "timed_out": False,
            "error_type": "",
            "response_time_us": round(fields.pop("latency_s", 1.0) * 1e6),
            "time_to_first_chunk_us": None,
            "input_tokens": 100,
            "output_tokens": 50,
            "cost_nano_usd": None if cost is None else round(cost * 1e9),
            "quality_ppm": None if quality is None else round(quality * 1e6),
            "quality_source": "" if quality is None else "checks",
            "human_task_id": "",
        }
        self._sink.append(OutcomeEvent(**(values | fields)))

    def run(
        self,
        *,
        arm: str,
        task: str,
        succeeded: bool,
        repeat: int = 0,
        decide: Mapping[str, Any] | None = None,
        **outcome: Any,
    ) -> str:
        """A decision and its outcome."""
        decision_id = self.decide(arm=arm, task=task, repeat=repeat, **(decide or {}))
        self.finish(decision_id, succeeded=succeeded, **outcome)
        return decision_id

    def rate(self, decision_id: str, rating: float) -> None:
        """A person's rating."""
        number = next(self._number)
        self._sink.append(
            FeedbackEvent(
                event_id=f"evt_f{number}",
                recorded_at_us=START_US + number * STEP_US,
                decision_id=decision_id,
                task_id="",
                rating_ppm=round(rating * 1e6),
                comment="",
                rater="",
                source="user",
            )
        )

    def register(self, experiment: str, arms: Sequence[str], *, task_type: str = TASK_TYPE) -> None:
        """A pre-registered plan."""
        number = next(self._number)
        self._sink.append(
            ExperimentEvent(
                event_id=f"evt_e{number}",
                recorded_at_us=START_US + number * STEP_US,
                experiment=experiment,
                status="running",
                task_type=task_type,
                arms=list(arms),
                design="paired",
                primary_metric="success",
                direction="increase",
                margin=0.05,
                alpha=0.05,
                planned_n_per_arm=10,
                planned_cost_nano_usd=None,
                salt="s",
            )
        )


def pairs(stream: Stream, first: Sequence[bool], second: Sequence[bool], *, arms: tuple[str, str] = ("a", "b")) -> None:
    """Both arms on the same tasks, once each."""
    for number, results in enumerate(zip(first, second, strict=True)):
        for arm, succeeded in zip(arms, results, strict=True):
            stream.run(arm=arm, task=f"t{number}", succeeded=succeeded)


def fill(
    stream: Stream, at_us: int, *, n: int, ok: int, latency_s: float, quality: float, model: str, task_type: str = "t"
) -> None:
    """`ok` of `n` outcomes succeed; of latency and quality each half lies a tenth above, half below."""
    for number in range(n):
        tilt = 1.1 if number % 2 else 0.9
        stream.run(
            arm="default",
            task=f"{model}{at_us}{task_type}{number}",
            succeeded=number < ok,
            latency_s=latency_s * tilt,
            quality=quality * tilt,
            decide={
                "recorded_at_us": at_us + number,
                "model": model,
                "task_type": task_type,
                "design": "observational",
            },
        )


def simulate(
    stream: Stream,
    world: World,
    task_type: str,
    arms: Mapping[str, str],
    *,
    tasks: int,
    repeats: int = 1,
    first_task: int = 0,
) -> None:
    """Paired outcomes of a simulated world: every arm (id to model key) on every task."""
    for task in (f"{task_type}/{number}" for number in range(first_task, first_task + tasks)):
        for repeat in range(repeats):
            for arm, model in arms.items():
                drawn = world.draw(task_type, task, model, repeat=repeat)
                stream.run(
                    arm=arm,
                    task=task,
                    repeat=repeat,
                    succeeded=drawn.succeeded,
                    decide={"task_type": task_type, "model": model},
                    quality=drawn.quality,
                    cost_usd=None if drawn.cost_nano_usd is None else drawn.cost_nano_usd / 1e9,
                    latency_s=drawn.response_time_s,
                    timed_out=drawn.error_class == "timeout_read",
                )
