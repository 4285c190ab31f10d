"""The parts of a routing config: arms, weights, experiments, evidence. Must not know the whole or where it is kept.

Numbers are kept to ten significant digits, so that a config does not depend on the last bit of a machine's arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, model_validator

from bizq_lab.config.assign import BUCKETS

TOTAL_PERCENT = 100
MAX_NAME = 200


def _ten_digits(value: float) -> float:
    return float(f"{value:.10g}") + 0.0  # the addition turns -0.0 into 0.0


Number = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_ten_digits)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Percent = Annotated[StrictInt, Field(ge=0, le=TOTAL_PERCENT)]
Weights = Mapping[Name, Percent]


class Frozen(BaseModel):
    """Immutable, no unknown field, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ArmSpec(Frozen):
    """An arm: one model with one way of calling it.

    Attributes:
        model: Catalog key.
        prompt: Prompt variant of the task type.
        temperature: Overrides the task type's; None keeps it.
        max_tokens: Overrides the task type's; None keeps it.
    """

    model: Name
    prompt: Name = "default"
    temperature: Annotated[Number, Field(ge=0.0, le=2.0)] | None = None
    max_tokens: Annotated[StrictInt, Field(gt=0)] | None = None


class AdaptivePolicy(Frozen):
    """How to explore, once someone opted in (S26).

    Attributes:
        kind: Thompson sampling over utility, or the best arm with a uniform share of exploration.
        floor: Share of decisions that is spread evenly over the feasible arms, in (0, 1].
        draws: Monte Carlo draws behind Thompson's propensities.
        sticky: Draw once a unit rather than once a decision.
        minimum_n: Effective observations below which an arm's prior counts as much as its data.
    """

    kind: Literal["thompson", "epsilon_greedy"] = "thompson"
    floor: Annotated[Number, Field(gt=0.0, le=1.0)] = 0.05
    draws: Annotated[StrictInt, Field(ge=1000, le=1_000_000)] = 4000
    sticky: bool = False
    minimum_n: Annotated[StrictInt, Field(ge=1)] = 5


class TaskRouting(Frozen):
    """How one task type is routed (S15).

    Attributes:
        weights: Arm id, or `default` for what the rules choose, to integer percent; sums to 100, or is empty.
        salt: Salt of the sticky hash; the task type if empty.
        unit: What sticks to its arm.
        models: Catalog keys that may serve it; empty means those the catalog allows.
        adaptive: Explore over the feasible models where there are no weights.
        stage: Ramp stage of a rollout, as logged.
    """

    weights: Weights = Field(default_factory=dict)
    salt: Annotated[str, Field(max_length=MAX_NAME)] = ""
    unit: Literal["workspace", "task"] = "workspace"
    models: tuple[Name, ...] = ()
    adaptive: AdaptivePolicy | None = None
    stage: Annotated[str, Field(max_length=MAX_NAME)] = ""

    @model_validator(mode="after")
    def _weights_sum(self) -> Self:
        _check_weights("weights", self.weights, empty_allowed=True)
        return self


class ExperimentSpec(Frozen):
    """A running online experiment; it precedes weights.

    Attributes:
        id: As logged.
        task_type: What it compares.
        weights: Arm id to integer percent; sums to 100.
        salt: Salt of the sticky split; the id if empty.
        unit: What sticks to its arm.
        namespace: Experiments of one namespace exclude each other; empty means none.
        buckets: Half-open range of [0, 10000) of the namespace that takes part.
        stage: Ramp stage, as logged.
    """

    id: Name
    task_type: Name
    weights: Weights
    salt: Annotated[str, Field(max_length=MAX_NAME)] = ""
    unit: Literal["workspace", "task"] = "workspace"
    namespace: Annotated[str, Field(max_length=MAX_NAME)] = ""
    buckets: tuple[StrictInt, StrictInt] = (0, BUCKETS)
    stage: Annotated[str, Field(max_length=MAX_NAME)] = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_weights(f"experiment {self.id!r} weights", self.weights, empty_allowed=False)
        start, stop = self.buckets
        if not 0 <= start < stop <= BUCKETS:
            message = f"experiment {self.id!r} buckets == {list(self.buckets)!r}, must be a range within [0, {BUCKETS}]"
            raise ValueError(message)
        if not self.namespace and self.buckets != (0, BUCKETS):
            message = f"experiment {self.id!r} names buckets {list(self.buckets)!r} but no namespace"
            raise ValueError(message)
        return self

    @property
    def namespace_name(self) -> str:
        """The namespace it takes its buckets from; its own when it shares none."""
        return self.namespace or self.id


class Signature(Frozen):
    """Who wrote a config.

    Attributes:
        key: First 16 hex digits of the SHA-256 of the raw public key.
        ed25519: Signature in hex, of the config without it.
    """

    key: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    ed25519: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


class EvidenceRow(Frozen):
    """One finding behind the weights (S32).

    Attributes:
        task_type: What was compared.
        arm: Whose figure this is.
        metric: Such as `success` or `usd_per_success`.
        value: Point estimate.
        lower: Lower end of its interval; None when open.
        upper: Upper end of its interval; None when open.
        n: Independent units behind it.
        method: How it was computed.
        design: How the comparison was designed.
        experiment: Experiment id, or empty.
    """

    task_type: Name
    arm: Name
    metric: Name
    value: Number
    lower: Number | None = None
    upper: Number | None = None
    n: Annotated[StrictInt, Field(ge=0)] = 0
    method: str = ""
    design: str = ""
    experiment: str = ""


def _check_weights(where: str, weights: Mapping[str, int], *, empty_allowed: bool) -> None:
    if empty_allowed and not weights:
        return
    total = sum(weights.values())
    if total != TOTAL_PERCENT:
        message = f"{where} == {dict(weights)!r} sum to {total}, must be exactly {TOTAL_PERCENT}"
        raise ValueError(message)
