"""Ship weights: refuse what the evidence does not support, write the file atomically, and log the step (S31, S32)."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.config import RoutingConfig, save_config
from bizq_lab.core.decision import DEFAULT_ARM
from bizq_lab.core.events import ConfigEvent
from bizq_lab.core.ids import derived_id
from bizq_lab.errors import InputError, InvalidRoutingConfig, UnsafeProposal

if TYPE_CHECKING:
    from bizq_lab.core.protocols import Clock, EventSink, IdSource
    from bizq_lab.tuning.proof import Proof
    from bizq_lab.tuning.proposal import Proposal

MIN_TASKS = 10


def publish(
    proposal: Proposal | RoutingConfig,
    path: str | Path,
    *,
    present: RoutingConfig | None = None,
    proof: Proof | None = None,
    sink: EventSink | None = None,
    override: str = "",
    author: str = "",
    clock: Clock | None = None,
    ids: IdSource | None = None,
) -> RoutingConfig:
    """Write a config to the file that production reads, and log that it was.

    Args:
        proposal: What `tune` proposed, or a config that carries its own evidence.
        path: The file to write; replaced atomically.
        present: What runs now, when a config is published: only arms whose share grows need evidence.
        proof: What `prove` found; whatever stands against shipping refuses it here too.
        sink: Where the step is logged.
        override: Reason for publishing what the evidence does not support; logged with the step.
        author: Who publishes; by default what produced the config.
        clock: Time of the record; by default the system's.
        ids: Where the event's id comes from; by default it is derived from the config and the instant.

    Raises:
        UnsafeProposal: The evidence does not support the weights, and no override was given.
        InvalidRoutingConfig: The config has expired, or the file cannot be written.
    """
    config = proposal if isinstance(proposal, RoutingConfig) else proposal.config
    if config.expired(config.as_of):
        message = f"config {config.hash[:12]} expired on {config.expires_on}"
        raise InvalidRoutingConfig(message, hint="tune again; an expired config keeps routing but is never published")
    if isinstance(proposal, RoutingConfig):
        problems = unsupported(config, present=present)
    else:
        # What runs now may stay: only what moves needs evidence.
        problems = [*unsupported(config, among=proposal.moved), *proposal.blockers]
    if proof is not None:
        if proof.config_hash != config.hash:
            message = f"the proof is of config {proof.config_hash[:12]}, not of {config.hash[:12]}"
            raise InputError(message, hint="prove the config that is to be published")
        problems = [*problems, *proof.blockers]
    if problems and not override.strip():
        message = f"the evidence does not support config {config.hash[:12]}: {'; '.join(problems)}"
        raise UnsafeProposal(message, hint="collect more, or pass override='the reason', which is logged")
    save_config(config, path)
    if sink is not None:
        now_us = clock.now_us() if clock is not None else time.time_ns() // 1_000
        sink.append(
            ConfigEvent(
                event_id=ids("evt") if ids is not None else derived_id("evt", config.hash, "published", now_us),
                recorded_at_us=now_us,
                config_hash=config.hash,
                parent_hash=config.parent,
                action="published",
                purpose=config.purpose,
                author=author or config.produced_by,
                override=override.strip(),
                document=config.model_dump(mode="json"),
            )
        )
    return config


def unsupported(
    config: RoutingConfig, *, among: Collection[str] | None = None, present: RoutingConfig | None = None
) -> list[str]:
    """Task types whose weights rest on arms without enough independent tasks in the config's own evidence.

    Args:
        config: What would be published.
        among: Only these task types; None means all.
        present: What runs now may go on: only arms whose share grows are looked at; None means all.
    """
    known = {(row.task_type, row.arm) for row in config.evidence if row.n >= MIN_TASKS}
    problems = []
    for name, routing in config.tasks.items():
        if among is not None and name not in among:
            continue
        now = present.tasks[name].weights if present is not None and name in present.tasks else {}
        growing = {arm for arm, percent in routing.weights.items() if percent > now.get(arm, 0)} - {DEFAULT_ARM}
        unknown = sorted(arm for arm in growing if (name, arm) not in known)
        if unknown:
            problems.append(f"{name} routes to {', '.join(unknown)} without evidence")
    return problems
