"""Record what local models really answer, so that a study can be replayed anywhere. Uses the one execution path."""

from __future__ import annotations

import sys
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm.auto import tqdm

from bizq_lab.errors import UnknownTaskType
from bizq_lab.lab.demo import choose_provider, open_demo
from bizq_lab.lab.loop import starting_config
from bizq_lab.store import read_recorded, write_recorded

if TYPE_CHECKING:
    from bizq_lab.core.execution import TaskResult
    from bizq_lab.experiments import ExperimentPlan


def record_outcomes(
    scratch: Path, out: Path, *, repeats: int, per_type: int | None, task_types: Collection[str], seed: int
) -> int:
    """Execute the demo's tasks with its local arms and write the outcomes as Parquet.

    What the file already holds of other task types is kept; recorded types are replaced as a whole.

    Args:
        scratch: Folder for the run's log.
        out: Parquet file to write.
        repeats: Executions of each task by each arm.
        per_type: Tasks of each type; None means all.
        task_types: Only these; empty means all.
        seed: Seed of the order.

    Returns:
        How many outcomes were recorded now.

    Raises:
        EngineMissing: The local engine or its weights are not installed.
        UnknownTaskType: No tasks are bundled for one of `task_types`.
    """
    choose_provider("local")
    demo = open_demo(scratch, provider="local", full=True, seed=seed)
    for name in task_types:
        if name not in demo.arms:
            raise UnknownTaskType.among(name, demo.arms)
    arms = {name: of_type for name, of_type in demo.arms.items() if not task_types or name in task_types}
    size = per_type or demo.options.per_type
    with demo.lab as lab:
        lab.use(starting_config(lab, arms, demo.options))
        tester = lab.experiment()
        plans = [tester.plan(name, list(of_type), sample_size=size) for name, of_type in arms.items()]
        total = sum(min(size, sum(task.type == plan.task_type for task in demo.tasks)) for plan in plans) * repeats * 2
        with tqdm(total=total, unit="call", desc="record", disable=not sys.stderr.isatty()) as bar:

            def tick(_plan: ExperimentPlan, _arm: str, _result: TaskResult) -> None:
                bar.update()

            lab.executor.wait(tester.run_plans(plans, demo.tasks, repeats=repeats, progress=tick))
        today = datetime.now(UTC).date().isoformat()
        rows = [{**row, "recorded_on": today} for row in lab.log.query("recorded_outcomes")]
    kept = [row for row in read_recorded(out) if row["task_type"] not in arms] if out.exists() else []
    return write_recorded(out, [*kept, *rows]) - len(kept)
