"""`bizq-lab route`: tasks from a JSONL file or a type, through the same router as a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bizq_lab.cli.output import AsJson, Preset, emit, emit_line
from bizq_lab.cli.reading import Config, ContextJson, OneInput, OneType, Tasks, read_context, read_tasks
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from bizq_lab.core.decision import RoutingDecision


def route(
    tasks: Tasks = None,
    type_: OneType = None,
    input_: OneInput = "{}",
    context: ContextJson = "{}",
    config: Config = None,
    catalog: Preset = "current",
    as_json: AsJson = False,
    as_lines: Annotated[
        bool, typer.Option("--jsonl", help="One JSON object a line, each written as it is decided.")
    ] = False,
) -> None:
    """Decide without executing: the model, the price, and why.

    Text and --jsonl are written decision by decision, so that a long file needs no memory; --json is one document.

    Example: bizq-lab route --type content.write_blog_post --context '{"max_cost": 0.5}'

    Example: bizq-lab route tasks.jsonl --jsonl
    """
    from bizq_lab.catalog import load_catalog
    from bizq_lab.config import load_config
    from bizq_lab.routing import AITaskRouter

    if as_json and as_lines:
        message = "both --json and --jsonl were asked for"
        raise InputError(message, hint="--json is one document, --jsonl an object a line")
    router = AITaskRouter(load_catalog(catalog), None if config is None else load_config(config))
    decisions = router.route_many(read_tasks(tasks, type_, input_), read_context(context))
    if as_json:
        emit([_decided(decision) for decision in decisions], as_json=True)
        return
    for number, decision in enumerate(decisions):
        if as_lines:
            emit_line(_decided(decision))
        else:
            emit({}, as_json=False, text=("\n" if number else "") + decision.explain())


def _decided(decision: RoutingDecision) -> dict[str, Any]:
    return {
        "task_id": decision.task.id,
        "task_type": decision.task.type,
        "model": decision.config.key,
        "arm": decision.arm,
        "policy": decision.policy,
        "propensity": decision.propensity,
        "estimated_cost_usd": decision.estimate.estimated_cost,
        "flags": list(decision.flags),
        "reasoning": decision.reasoning,
    }


COMMANDS = (route,)
