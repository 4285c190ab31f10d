"""What the log says of an experiment: its tasks, what a look must know, its result. Executes and writes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bizq_lab.analysis import compare, looks, take_look
from bizq_lab.analysis.metrics import metric_named
from bizq_lab.analysis.sequences import Watched
from bizq_lab.core.estimate import Caveat
from bizq_lab.core.money import Money
from bizq_lab.core.task import Task
from bizq_lab.errors import NotEnoughData

if TYPE_CHECKING:
    from bizq_lab.analysis import Comparison, ComparisonRow, LookRow, Watch
    from bizq_lab.experiments.plan import ExperimentPlan
    from bizq_lab.store import Log

PAGE = 5_000
END_OF_TIME_US = 2**62


def watched(plan: ExperimentPlan) -> Watched:
    """What a look must know, as the plan fixed it."""
    return Watched(
        experiment=plan.experiment,
        task_type=plan.task_type,
        control=plan.arms[0],
        treatments=plan.arms[1:],
        design=plan.design,
        metric=metric_named(plan.primary_metric),
        margin=plan.margin,
        alpha=plan.alpha,
        guardrails=plan.guardrails,
        bounded=plan.bounded,
        planned_n=plan.sample_size * plan.repeats,
        minimum_effect=plan.minimum_effect,
        budget_nano_usd=None if plan.max_cost_usd is None else Money.from_usd(plan.max_cost_usd).nano_usd,
    )


def result(log: Log, plan: ExperimentPlan) -> Comparison:
    """The comparison that the plan asked for, from the log alone.

    Raises:
        NotEnoughData: Fewer than two arms have outcomes.
    """
    found = compare(
        log,
        task_type=plan.task_type,
        experiment=plan.experiment,
        primary=plan.primary_metric,
        margin=plan.margin,
        alpha=plan.alpha,
        control=plan.arms[0],
        guardrails=plan.guardrails,
    )
    if plan.reading == "anytime":
        return _by_looks(found, _looks(log, plan))
    least = min(row.n for row in found.rows if row.role == "primary")
    if plan.design == "randomised" or least >= plan.sample_size:
        return found
    short = Caveat(code="fewer_than_planned", message=f"{least} of {plan.sample_size} planned tasks were run")
    return replace(found, caveats=(*found.caveats, short))


def logged_tasks(log: Log, task_type: str) -> list[Task]:
    """Tasks of the log with their inputs, each once, the latest first.

    Raises:
        NotEnoughData: The log holds none, or keeps no inputs.
    """
    found: dict[str, Task] = {}
    before_us, before_id = None, ""
    while True:
        page = log.query("logged_tasks", task_type=task_type, before_us=before_us, before_id=before_id, page=PAGE)
        for row in page:
            if isinstance(row["task_input"], dict):
                key = row["task_key"]
                found.setdefault(key, Task(type=task_type, id=row["task_id"], key=key, input=row["task_input"]))
        if len(page) < PAGE:
            break
        before_us, before_id = page[-1]["recorded_at_us"], page[-1]["decision_id"]
    if not found:
        message = f"no task of type {task_type!r} is in the log with its input"
        raise NotEnoughData(message, hint="log with payloads='full', or give tasks")
    return list(found.values())


def _looks(log: Log, plan: ExperimentPlan) -> Watch:
    """The looks that were taken; where there were none, one at everything, which is logged nowhere."""
    try:
        return looks(log, plan.experiment)
    except NotEnoughData:
        return take_look(log, watched(plan), as_of_us=END_OF_TIME_US)


def _by_looks(found: Comparison, seen: Watch) -> Comparison:
    """The same answer with the primary metric as the looks paid for it: an interval that holds at all of them."""
    last = {row.arm: row for row in seen.rows}
    rows = tuple(_paid(row, last[row.arm]) if row.role == "primary" and row.arm in last else row for row in found.rows)
    paid = Caveat(
        code="anytime_valid",
        message="Verdict and primary interval are the looks' and hold at all of them; the others hold once",
    )
    caveats = (*found.caveats, paid)
    if found.verdict == "invalid":
        return replace(found, rows=rows, caveats=caveats)
    row = seen.rows[-1]
    return replace(found, rows=rows, caveats=caveats, verdict=row.verdict, winner=row.winner)


def _paid(row: ComparisonRow, look: LookRow) -> ComparisonRow:
    if look.p_value is None:  # the bounded sequence has an interval and no p-value
        return replace(row, difference=look.difference, p_value=float(not look.difference.excludes_zero))
    return replace(row, difference=look.difference, p_value=look.p_value, p_adjusted=look.p_value)
