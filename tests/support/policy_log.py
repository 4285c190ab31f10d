"""Traffic as production would log it: the router decides, a world of known truth answers. Asserts nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bizq_lab.catalog import Catalog
from bizq_lab.config import RoutingConfig
from bizq_lab.core.events import OutcomeEvent
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.lab.records import decision_event
from bizq_lab.routing import AITaskRouter
from bizq_lab.simulate import World
from bizq_lab.store import Log

START_US = 1_793_491_200_000_000  # 2026-11-01, UTC
STEP_US = 60_000_000


def live(
    log: Log,
    catalog: Catalog,
    config: RoutingConfig | None,
    world: World,
    task_types: Sequence[str],
    *,
    tasks: int,
    workspaces: int,
    first: int = 0,
    contexts: Sequence[Mapping[str, Any]] = ({},),
    payloads: Any = "full",
    **changes: Any,
) -> None:
    """Route `tasks` tasks of each type for workspaces in turn, and log what the world makes of each.

    `changes` overwrite fields of every decision event, such as `propensity_ppb`.
    """
    router = AITaskRouter(catalog, config)
    for name in task_types:
        for number in range(first, first + tasks):
            asked = dict(contexts[number % len(contexts)])
            context = RoutingContext(workspace_id=f"ws_{number % workspaces}", **asked)
            key = f"{name}/{number}"
            task = Task(id=key, key=key, type=name, input={"topic": f"number {number}"})
            decision = router.route_task(task, context)
            at_us = START_US + number * STEP_US
            event = decision_event(
                decision, event_id=f"evt_d_{key}", recorded_at_us=at_us, repeat=0, payloads=payloads, origin="test"
            )
            for field, value in changes.items():
                object.__setattr__(event, field, value)
            log.append(event)
            drawn = world.draw(name, key, decision.config.key, prompt=decision.config.prompt)
            log.append(
                OutcomeEvent(
                    event_id=f"evt_o_{key}",
                    recorded_at_us=at_us + 1,
                    decision_id=decision.decision_id,
                    status="completed" if drawn.quality is not None else "escalated",
                    succeeded=drawn.succeeded,
                    served_model=decision.config.key,
                    attempts=1,
                    failed_over=False,
                    timed_out=drawn.error_class == "timeout_read",
                    error_type=drawn.error_class,
                    response_time_us=round(drawn.response_time_s * 1e6),
                    time_to_first_chunk_us=None,
                    input_tokens=drawn.input_tokens,
                    output_tokens=drawn.output_tokens,
                    cost_nano_usd=drawn.cost_nano_usd,
                    quality_ppm=None if drawn.quality is None else round(drawn.quality * 1e6),
                    quality_source="" if drawn.quality is None else "checks",
                    human_task_id="",
                )
            )
