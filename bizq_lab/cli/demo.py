"""`bizq-lab demo`: the main job on real input, and what it found in ten lines. The job itself is `lab.loop`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import typer

from bizq_lab.cli.output import AsJson, emit, say

if TYPE_CHECKING:
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.experiments import ExperimentPlan
    from bizq_lab.lab.demo import Demo
    from bizq_lab.lab.loop import LoopOutcome


def demo(
    out: Annotated[Path, typer.Option(help="Folder for lab.duckdb, routing.json and report.html.")] = Path("out/demo"),
    provider: Annotated[
        Literal["local", "replay", "simulated"] | None,
        typer.Option(help="What answers. Default: local, or replay where the engine is not installed."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="All tasks, no time limit.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every draw.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Close the loop once: route, execute, log, compare, order, tune, export, route by the export.

    Example: bizq-lab demo --out out/demo --provider replay
    """
    from bizq_lab.lab.demo import choose_provider, open_demo
    from bizq_lab.reports import loop_report, render, write_report

    chosen, remark = choose_provider(provider)
    if remark:
        say(remark)
    files = {"log": out / "lab.duckdb", "config": out / "routing.json", "report": out / "report.html"}
    this = open_demo(out, provider=chosen, full=full, seed=seed)
    with this.lab, _Bar(this) as bar:
        outcome = this.run(bar)
        this.lab.log.collect()
    page = loop_report(
        title="The loop, closed once",
        as_of=this.options.as_of,
        performance=outcome.performance,
        comparisons=outcome.comparisons,
        efficiency=outcome.efficiency,
        proposal=outcome.proposal,
        facts={"Pairs": f"{outcome.pairs:,} of {outcome.planned_pairs:,} planned", "Answers": chosen},
        note=this.note,
    )
    write_report(files["report"], render(page))
    emit(_document(this, outcome, files), as_json=as_json, text=_ten_lines(this, outcome, files))


class _Bar:
    """A progress bar on stderr with the cost so far; silent where stderr is not a terminal."""

    def __init__(self, this: Demo) -> None:
        from tqdm.auto import tqdm

        types = {task.type for task in this.tasks}
        per_type = [min(this.options.per_type, sum(task.type == name for task in this.tasks)) for name in types]
        total = sum(per_type) * this.options.repeats * 2
        self._bar = tqdm(total=total, unit="call", desc=this.provider, disable=not sys.stderr.isatty(), file=sys.stderr)
        self._cost = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, plan: ExperimentPlan, arm: str, result: TaskResult) -> None:
        """One execution is done."""
        self._cost += float(result.cost or 0)
        self._bar.set_postfix_str(f"${self._cost:.6f} {plan.task_type} {arm}", refresh=False)
        self._bar.update()


def _ten_lines(this: Demo, outcome: LoopOutcome, files: dict[str, Path]) -> str:
    """One finding a task type, then where to look."""
    head = (
        f"{this.note}\n{outcome.pairs} of {outcome.planned_pairs} planned pairs were executed, two arms a task type.\n"
    )
    width = max(len(comparison.task_type) for comparison in outcome.comparisons)
    lines = [f"{comparison.task_type:<{width}}  {comparison.headline()}" for comparison in outcome.comparisons]
    where = "\n".join(f"{name:<6}  {path}" for name, path in files.items())
    return "\n".join([head, *lines, "", where])


def _document(this: Demo, outcome: LoopOutcome, files: dict[str, Path]) -> dict[str, Any]:
    return {
        "provider": this.provider,
        "note": this.note,
        "pairs": outcome.pairs,
        "planned_pairs": outcome.planned_pairs,
        "files": {name: str(path) for name, path in files.items()},
        "comparisons": [comparison.to_dict() for comparison in outcome.comparisons],
        "proposal": outcome.proposal.to_dict(),
        "closing": [{"task_id": r.task_id, "status": r.status, "decision_id": r.decision_id} for r in outcome.closing],
        "split": {name: dict(shares) for name, shares in outcome.split.items()},
    }


COMMANDS = (demo,)
