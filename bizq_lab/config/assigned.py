"""Who decides for a unit by the config alone: experiments, then weights (S15). Knows no catalog, no rule, no file.

What a service that embeds nothing but this room can say: it does not know which arms the context leaves eligible.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from bizq_lab.config.assign import PreparedArms, bucket, pick_prepared, prepare
from bizq_lab.config.parts import ArmSpec
from bizq_lab.core.decision import DEFAULT_ARM

if TYPE_CHECKING:
    from bizq_lab.config.schema import RoutingConfig


class ConfigSplit(NamedTuple):
    """One hash split of the config.

    Attributes:
        weights: Positive percent by arm.
        salt: Of the hash.
        by_task: The unit is the task rather than the workspace.
        experiment: Experiment id, or empty.
        stage: Ramp stage, or empty.
        namespace: Whose buckets are asked; empty means everyone takes part.
        buckets: Half-open range that takes part.
    """

    weights: Mapping[str, int]
    salt: str
    by_task: bool
    experiment: str = ""
    stage: str = ""
    namespace: str = ""
    buckets: tuple[int, int] = (0, 0)


class Assigned(NamedTuple):
    """What the config says for one unit.

    Attributes:
        arm: Arm id; `default` where the config leaves it to the service's own rules.
        spec: The arm's model and parameters; None for `default`.
        policy: Who decided.
        unit: What was hashed.
        propensity: Probability of this arm; log it with the decision.
        experiment: Experiment id, or empty.
        stage: Ramp stage, or empty.
        config_hash: Of the config that decided.
    """

    arm: str
    spec: ArmSpec | None
    policy: Literal["experiment", "weights", "rules"]
    unit: str
    propensity: float
    experiment: str
    stage: str
    config_hash: str


def splits_of(config: RoutingConfig, task_type: str) -> list[ConfigSplit]:
    """The splits of a task type in the order in which they decide."""
    splits = []
    for spec in config.experiments:
        if spec.task_type == task_type:
            span = (spec.namespace, spec.buckets) if spec.namespace else ("", (0, 0))
            weights, salt = _positive(spec.weights), spec.salt or spec.id
            splits.append(ConfigSplit(weights, salt, spec.unit == "task", spec.id, spec.stage, *span))
    routing = config.tasks.get(task_type)
    if routing is not None and routing.weights:
        weights, salt = _positive(routing.weights), routing.salt or task_type
        splits.append(ConfigSplit(weights, salt, routing.unit == "task", "", routing.stage))
    return splits


class Assigner:
    """Assigns by one config; what does not depend on the unit is prepared once.

    Attributes:
        config: Whose word it is.
    """

    def __init__(self, config: RoutingConfig) -> None:
        """Prepare nothing yet: a service may ask for few of many task types."""
        self.config = config
        self._prepared: dict[str, tuple[tuple[ConfigSplit, PreparedArms, int], ...]] = {}

    def assign(self, task_type: str, workspace_id: str, *, task_key: str = "") -> Assigned:
        """The arm of a unit.

        Args:
            task_type: Exact name.
            workspace_id: What sticks to its arm, unless the config says the task does.
            task_key: Identity of the task, where the unit is the task; by default the workspace's.
        """
        for split, arms, total in self._splits(task_type):
            unit = (task_key or workspace_id) if split.by_task else workspace_id
            if split.namespace and not split.buckets[0] <= bucket(split.namespace, unit) < split.buckets[1]:
                continue
            arm = pick_prepared(arms, salt=split.salt, unit=unit)
            return Assigned(
                arm=arm,
                spec=self.config.arms.get(arm),
                policy="experiment" if split.experiment else "weights",
                unit=unit,
                propensity=split.weights[arm] / total,
                experiment=split.experiment,
                stage=split.stage,
                config_hash=self.config.hash,
            )
        return Assigned(DEFAULT_ARM, None, "rules", workspace_id, 1.0, "", "", self.config.hash)

    def _splits(self, task_type: str) -> tuple[tuple[ConfigSplit, PreparedArms, int], ...]:
        if task_type not in self.config.tasks and not self.config.experiments:
            return ()  # names of unknown types must not pile up
        if task_type not in self._prepared:
            splits = splits_of(self.config, task_type)
            if not splits:
                return ()
            self._prepared[task_type] = tuple((s, prepare(s.weights), sum(s.weights.values())) for s in splits)
        return self._prepared[task_type]


def assigned(config: RoutingConfig, task_type: str, workspace_id: str, *, task_key: str = "") -> Assigned:
    """`Assigner.assign`, for one question."""
    return Assigner(config).assign(task_type, workspace_id, task_key=task_key)


def _positive(weights: Mapping[str, int]) -> dict[str, int]:
    return {arm: weight for arm, weight in weights.items() if weight}
