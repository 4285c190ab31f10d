"""An experiment on live traffic is an entry of the routing config: added to start it, removed to stop it (S15)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bizq_lab import __version__
from bizq_lab.config import ArmSpec, ExperimentSpec, RoutingConfig
from bizq_lab.core.decision import DEFAULT_ARM
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from datetime import date

    from bizq_lab.catalog import Catalog
    from bizq_lab.experiments.plan import ExperimentPlan

PRODUCER = f"bizq_lab {__version__} experiment"


def with_experiment(present: RoutingConfig, plan: ExperimentPlan, catalog: Catalog, *, as_of: date) -> RoutingConfig:
    """The next config, in which the plan's split runs.

    Arms that the config does not know are models of the catalog, and become arms of that name.

    Raises:
        InputError: The plan is not of a split, or the experiment runs already.
        UnknownModel: An arm is neither the config's nor a model.
        InvalidRoutingConfig: Another experiment runs on the task type.
    """
    if plan.design != "randomised":
        message = f"experiment {plan.experiment!r} is {plan.design}, and needs no split of traffic"
        raise InputError(message, hint="plan it with design='randomised' (--online), or run it offline")
    if any(spec.id == plan.experiment for spec in present.experiments):
        message = f"experiment {plan.experiment!r} runs already"
        raise InputError(message, hint=f"bizq-lab experiment watch {plan.experiment}")
    new = [arm for arm in plan.arms if arm != DEFAULT_ARM and arm not in present.arms]
    arms: Mapping[str, ArmSpec] = {arm: ArmSpec(model=catalog.resolve(arm).key) for arm in new}
    spec = ExperimentSpec(
        id=plan.experiment, task_type=plan.task_type, weights=plan.weights, salt=plan.salt, unit=plan.unit
    )
    return present.evolve(
        arms={**present.arms, **arms}, experiments=(*present.experiments, spec), produced_by=PRODUCER, as_of=as_of
    )


def without_experiment(present: RoutingConfig, experiment: str, *, as_of: date) -> RoutingConfig:
    """The next config, in which the split no longer runs; its arms stay known.

    Raises:
        InputError: It does not run.
    """
    rest = tuple(spec for spec in present.experiments if spec.id != experiment)
    if len(rest) == len(present.experiments):
        running = ", ".join(spec.id for spec in present.experiments) or "none"
        message = f"experiment {experiment!r} is not in the config"
        raise InputError(message, hint=f"running: {running}")
    return present.evolve(experiments=rest, produced_by=PRODUCER, as_of=as_of)
