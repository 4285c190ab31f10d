"""A model to be opted into serves only where somebody names it: as an arm, in a list, or as a task type's own (S12)."""

from typing import Any

import pytest

from bizq_lab.config import ArmSpec, RoutingConfig
from bizq_lab.core.decision import RoutingDecision
from bizq_lab.core.task import RoutingContext, Task, WorkspacePreferences
from bizq_lab.routing import AITaskRouter
from tests.support.routing_catalog import MODELS, TODAY, catalog, model, task_type

SHY = "local/shy"
WITH_SHY = (*MODELS, model(SHY, residency="local", opt_in=True, quality_prior=0.99, tier="standard"))
TASK = Task(type="work.write", input={"topic": "headphones"}, id="t1")
CONTEXT = RoutingContext(workspace_id="ws_1")


def decide(*, type_fields: dict[str, Any] | None = None, base: str = "openai/medium", **config: Any) -> RoutingDecision:
    types = (task_type("default", "openai/medium"), task_type("work.write", base, **(type_fields or {})))
    made = catalog(WITH_SHY, types)
    routing = RoutingConfig.build(catalog="memory", catalog_version=made.version, as_of=TODAY, **config)
    return AITaskRouter(made, routing).route_task(TASK, CONTEXT)


def considered(decision: RoutingDecision) -> set[str]:
    return {row.model for row in decision.candidates}


def test_s12_nobody_named_it_so_it_is_no_candidate_and_no_fallback() -> None:
    decision = decide()
    assert considered(decision) == {entry.key for entry in MODELS}
    assert SHY not in {fallback.key for fallback in decision.fallbacks}


def test_s12_a_local_workspace_does_not_opt_in_by_having_no_other_choice() -> None:
    made = catalog(WITH_SHY, (task_type("default", "openai/medium"), task_type("work.write", "openai/medium")))
    context = RoutingContext(
        workspace_id="ws_1", quality_tier="basic", workspace_preferences=WorkspacePreferences(residency="local")
    )
    decision = AITaskRouter(made).route_task(Task(type="work.write", id="t1"), context)
    assert decision.config.key == "local/tiny"
    assert decision.fallbacks == ()


@pytest.mark.parametrize(
    "naming",
    [
        {"tasks": {"work.write": {"models": (SHY, "openai/medium")}}},
        {"type_fields": {"models": (SHY, "openai/medium")}},
        {"base": SHY},
        {"arms": {"quiet": ArmSpec(model=SHY)}, "tasks": {"work.write": {"weights": {"quiet": 100}}}},
    ],
    ids=["config's models", "task type's models", "task type's own model", "arm"],
)
def test_s12_naming_it_includes_it(naming: dict[str, Any]) -> None:
    assert SHY in considered(decide(**naming))


def test_s12_an_arm_of_it_adds_no_candidate_to_the_rules() -> None:
    arms = {"quiet": ArmSpec(model=SHY)}
    decision = decide(arms=arms, tasks={"work.write": {"weights": {"default": 100}}})
    assert SHY not in considered(decision)
