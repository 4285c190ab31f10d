"""A rollout as data: what runs, what it ramps to, what guards it, and each step so far. Pure; touches no file.

The whole plan lies in one file beside the routing config, so that a rollback needs neither the log nor its evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt, model_validator

from bizq_lab import __version__
from bizq_lab.config import EvidenceRow, RoutingConfig
from bizq_lab.config.parts import Frozen, Name, Number, Percent
from bizq_lab.config.schema import validated
from bizq_lab.config.shares import shared
from bizq_lab.core.decision import DEFAULT_ARM
from bizq_lab.errors import InputError, InvalidRoutingConfig
from bizq_lab.tuning.guardrails import GUARDRAILS, Guardrail

PRODUCER = f"bizq_lab {__version__} rollout"
RAMP = (10, 25, 50, 100)
WHOLE = 100
Status = Literal["ramping", "held", "complete", "rolled_back"]
StepName = Literal["rollout_started", "ramped", "promoted", "held", "rolled_back", "completed"]


class Step(Frozen):
    """One change of a rollout.

    Attributes:
        action: As logged.
        at_us: When, UTC microseconds.
        as_of: The date the config of this step carries.
        percent: The arm's share from then on.
        author: Who asked, or `check`.
        reason: In words.
        config_hash: What the routing file then held.
    """

    action: StepName
    at_us: StrictInt
    as_of: date
    percent: Percent
    author: str = ""
    reason: str = ""
    config_hash: str = ""


class Rollout(Frozen):
    """The plan of a rollout and how far it is.

    Attributes:
        id: Names it in the log; every decision's `stage` starts with it.
        task_type: Where.
        arm: What ramps up; all other arms together are what it is compared with.
        baseline: The config that ran before, and that a rollback restores byte for byte.
        ramp: Increasing shares in percent; the last is where it ends.
        guardrails: What must not get worse.
        alpha: Most probability of taking back a harmless rollout, over all looks and guardrails together.
        min_hours: A stage lasts at least this long, so that it sees a whole day.
        overdue_s: A decision without an outcome after this many seconds counts as a failure.
        override: Reason for starting against the evidence; logged.
        evidence: Findings that the ramped configs carry.
        expires_on: First day on which nothing may be ramped from them; None keeps the baseline's.
        stage: Place in `ramp`.
        status: Where it stands.
        steps: What happened, oldest first.
    """

    id: Name
    task_type: Name
    arm: Name
    baseline: RoutingConfig
    ramp: tuple[Percent, ...] = RAMP
    guardrails: tuple[Guardrail, ...] = GUARDRAILS
    alpha: Annotated[Number, Field(gt=0.0, lt=0.5)] = 0.05
    min_hours: Annotated[Number, Field(ge=0.0)] = 24.0
    overdue_s: Annotated[Number, Field(gt=0.0)] = 3600.0
    override: str = ""
    evidence: tuple[EvidenceRow, ...] = ()
    expires_on: date | None = None
    stage: Annotated[StrictInt, Field(ge=0)] = 0
    status: Status = "ramping"
    steps: tuple[Step, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        present = present_weights(self.baseline, self.task_type).get(self.arm, 0)
        if not self.ramp or list(self.ramp) != sorted(set(self.ramp)) or self.ramp[0] <= present:
            message = f"ramp == {list(self.ramp)!r}, must increase from more than the arm's present {present} %"
            raise ValueError(message)
        if self.stage >= len(self.ramp):
            message = f"stage == {self.stage}, but the ramp has {len(self.ramp)}"
            raise ValueError(message)
        if not self.guardrails or len({g.metric for g in self.guardrails}) < len(self.guardrails):
            message = "guardrails must name at least one metric, and each once"
            raise ValueError(message)
        return self

    @property
    def percent(self) -> int:
        """The arm's share at this stage."""
        return self.ramp[self.stage]

    @property
    def active(self) -> bool:
        """Whether it is still under way."""
        return self.status in {"ramping", "held"}

    @property
    def stage_since_us(self) -> int:
        """When this stage began."""
        moves = [step for step in self.steps if step.action in {"rollout_started", "ramped", "promoted"}]
        return moves[-1].at_us if moves else 0

    def label(self, percent: int) -> str:
        """The `stage` that decisions at this share are logged with."""
        return f"{self.id}/{percent}"

    def config(self, present: RoutingConfig, percent: int, *, as_of: date) -> RoutingConfig:
        """The next version of `present` with this share for the arm."""
        found = {(row.task_type, row.arm, row.metric) for row in self.evidence}
        kept = [row for row in present.evidence if (row.task_type, row.arm, row.metric) not in found]
        weights = ramped(present_weights(self.baseline, self.task_type), self.arm, percent)
        return present.with_weights(self.task_type, weights, stage=self.label(percent)).evolve(
            parent=present.hash,
            produced_by=PRODUCER,
            as_of=as_of,
            expires_on=self.expires_on or present.expires_on,
            evidence=(*kept, *self.evidence),
        )

    def before(self) -> dict[str, int]:
        """Integer percent by arm before it began."""
        return present_weights(self.baseline, self.task_type)

    def now(self) -> dict[str, int]:
        """Integer percent by arm at this stage, or after the rollback."""
        return self.before() if self.status == "rolled_back" else ramped(self.before(), self.arm, self.percent)

    def restored(self, present: RoutingConfig | None, *, as_of: date) -> RoutingConfig:
        """What a rollback writes: the baseline, byte for byte.

        If somebody published another config meanwhile, that one with the baseline's routing of this task type.
        """
        ours = {step.config_hash for step in self.steps}
        if present is None or present.hash in ours or present.hash == self.baseline.hash:
            return self.baseline
        tasks = {name: routing for name, routing in present.tasks.items() if name != self.task_type}
        if self.task_type in self.baseline.tasks:
            tasks[self.task_type] = self.baseline.tasks[self.task_type]
        arms = {**self.baseline.arms, **present.arms}
        return present.evolve(tasks=tasks, arms=arms, produced_by=PRODUCER, as_of=as_of)

    @classmethod
    def build(cls, **fields: object) -> Self:
        """Construct from plain data, with one error of ours when it is wrong.

        Raises:
            InputError: A field is out of its domain.
        """
        try:
            return validated(cls, fields)
        except InvalidRoutingConfig as error:
            raise InputError(error.message, hint=error.hint) from None

    def stepped(self, step: Step, **changes: object) -> Self:
        """The rollout after a step."""
        return type(self).model_validate({**dict(self), **changes, "steps": (*self.steps, step)})


def present_weights(config: RoutingConfig, task_type: str) -> dict[str, int]:
    """Integer percent by arm as they stand; what the rules choose where nothing is weighted."""
    routing = config.tasks.get(task_type)
    return dict(routing.weights) if routing is not None and routing.weights else {DEFAULT_ARM: WHOLE}


def ramped(now: Mapping[str, int], arm: str, percent: int) -> dict[str, int]:
    """Weights with this share for the arm, and the rest in its present proportions.

    Raises:
        InputError: The share is out of range, or takes away from the arm.
    """
    least = max(1, now.get(arm, 0))
    if not least <= percent <= WHOLE:
        message = f"rollout_percentage == {percent}, must be from {least} to {WHOLE}"
        raise InputError(message, hint=f"{arm} gets {now.get(arm, 0)} % now; a rollout never takes away")
    others = {other: share for other, share in now.items() if other != arm and share}
    rest = {other: share for other, share in shared(others, WHOLE - percent).items() if share}
    return {**rest, arm: percent}
