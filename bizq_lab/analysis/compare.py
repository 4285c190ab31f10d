"""Which arm is better at a task type, how sure is that, and at what cost? Read from the log alone (S24, S29, S30).

Intention to treat: whatever failover, timeouts and errors did is charged to the arm that was assigned. The sample size
is fixed in advance: reading the answer again and again while data arrive raises the error rate above alpha.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from bizq_lab.analysis.comparison import Comparison, ComparisonRow
from bizq_lab.analysis.extent import Conditions, Window
from bizq_lab.analysis.families import Finding, Question, run_tests
from bizq_lab.analysis.metrics import Metric, metric_named
from bizq_lab.analysis.outcomes import Outcomes, read_outcomes
from bizq_lab.analysis.people import with_people
from bizq_lab.analysis.segments import with_segments
from bizq_lab.analysis.unanswered import life_tables, rating_caveats, timeout_caveats
from bizq_lab.analysis.validity import FATAL, condition_caveats, overlap_caveats, sample_ratio_caveats
from bizq_lab.analysis.verdict import Standing, Verdict, decide
from bizq_lab.core.decision import HUMAN, Design
from bizq_lab.core.estimate import Caveat
from bizq_lab.core.result import Provenance
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.tails import ZERO_VARIANCE, check_alpha

if TYPE_CHECKING:
    from bizq_lab.store import Log

FEW_PAIRS = 10
GUARDRAILS = {"success": 0.05}
SLOWER = 1.5  # the specification's alert threshold for the response time


def compare(
    log: Log,
    *,
    task_type: str,
    experiment: str = "",
    primary: str = "quality",
    direction: Literal["increase", "decrease", ""] = "",
    margin: float = 0.05,
    alpha: float = 0.05,
    control: str | None = None,
    arms: Sequence[str] | None = None,
    design: Design | None = None,
    guardrails: Mapping[str, float] | None = None,
    by: Literal["segment", ""] = "",
    from_us: int | None = None,
    to_us: int | None = None,
) -> Comparison:
    """Compare the arms of a task type.

    Args:
        log: The log.
        task_type: What to compare on.
        experiment: Only this experiment; empty pools what the log has.
        primary: The metric that decides: success, quality, cost, latency or rating.
        direction: Must agree with the metric's own direction if given; a safeguard for pre-registered plans.
        margin: Largest loss in the primary metric that is acceptable, in its unit.
        alpha: Two-sided error rate.
        control: Arm to compare with; by default the first arm of the registered plan, else the first by name.
        arms: Only these; by default all that have outcomes.
        design: By default `paired` if the log has paired outcomes of two arms, else `randomised`, else `observational`.
        guardrails: Largest acceptable loss by metric, in its unit; by default 0.05 success.
        by: `segment` adds the primary metric of each segment, Benjamini-Hochberg over them, and shrunk towards their
            mean; no verdict rests on them.
        from_us: Decisions at or after this instant, UTC microseconds.
        to_us: Decisions before this instant.

    Raises:
        NotEnoughData: Fewer than two arms have outcomes, or no task was answered by both.
        InputError: A metric, direction, margin, alpha or arm that does not exist.
    """
    metric = metric_named(primary)
    rails = GUARDRAILS if guardrails is None else dict(guardrails)
    _check(metric, direction, [(metric.name, margin), *rails.items()], alpha)
    window = Window(task_type=task_type, experiment=experiment or None, from_us=from_us, to_us=to_us)
    with log.held():
        outcomes = read_outcomes(log, window, design=design, by_segment=by == "segment" or metric.name == "rating")
        planned = _planned_arms(log, window)
        split = sample_ratio_caveats(log, window, outcomes) if outcomes.design == "randomised" else []
        split += overlap_caveats(log, window, outcomes)
    _known(arms, outcomes)
    present = [arm for arm in outcomes.arms if arms is None or arm in arms]
    against = _control(present, control, planned)
    treatments = tuple(arm for arm in present if arm != against)
    if not treatments:
        message = f"{task_type!r} has outcomes of fewer than two arms ({outcomes.design}): {present!r}"
        raise NotEnoughData(message, hint="run at least two arms on this task type")
    own = outcomes.conditions.of_arms(present)
    if metric.name == "quality" and _quality_unknown(own):
        message = f"the quality of {task_type!r} was not measured in every arm"
        raise NotEnoughData(message, hint="compare on primary='success', or switch on checks or a judge")
    tables = life_tables(outcomes.durations)
    question = Question(
        samples=outcomes.samples(present),
        design=outcomes.design,
        control=against,
        treatments=treatments,
        primary=metric,
        margin=margin,
        alpha=alpha,
        guardrails={
            metric_named(name).name: limit for name, limit in rails.items() if metric_named(name).name != metric.name
        },
        lifetimes=tables,
        ratings={arm: outcomes.rated(arm) for arm in present} if outcomes.ratings else {},
    )
    caveats = condition_caveats(own, metric=metric.name, single_experiment=bool(experiment)) + split
    caveats += timeout_caveats(tables, against, treatments)
    if outcomes.ratings:
        caveats += rating_caveats(outcomes, against, treatments, alpha=alpha)
    if outcomes.design == "observational":
        caveats.append(
            Caveat(code="not_randomised", message="Arms were not assigned at random: differences may be the tasks'")
        )
    if arms is None:
        caveats += _plan_caveats(planned, present, named=bool(experiment))
    answer = _answer(question, window, caveats, outcomes)
    if by == "segment":
        answer = with_segments(answer, question, outcomes)
    return with_people(answer, question, outcomes) if arms is None or HUMAN in arms else answer


def _answer(question: Question, window: Window, caveats: list[Caveat], outcomes: Outcomes) -> Comparison:
    compared = (question.control, *question.treatments)
    own = outcomes.conditions.of_arms(compared)
    table, standings = run_tests(question)
    verdict, winner = decide(standings, question.control)
    caveats = [*caveats, *_test_caveats(question, table, standings, verdict)]
    codes = {caveat.code for caveat in caveats}
    if codes & FATAL:
        verdict, winner = "invalid", ""
    elif question.design == "observational":
        verdict, winner = "inconclusive", ""
    return Comparison(
        task_type=window.task_type or "",
        experiment=window.experiment or "",
        design=question.design,
        primary=question.primary.name,
        margin=question.margin,
        alpha=question.alpha,
        control=question.control,
        verdict=verdict,
        winner=winner,
        rows=tuple(row for row, _ in table),
        caveats=tuple({caveat.code: caveat for caveat in caveats}.values()),
        provenance=Provenance(
            view="task_outcome",
            window=str(window),
            n_decisions=outcomes.clusters.of_arms(compared).total("decisions"),
            config_hash=own.last("config_hash"),
            catalog_version=own.last("catalog_version"),
        ),
    )


def _test_caveats(
    question: Question, table: list[Finding], standings: list[Standing], verdict: Verdict
) -> list[Caveat]:
    found = [caveat for row, test in table if row.role == "primary" for caveat in test.caveats]
    found += [ZERO_VARIANCE for row, _ in table if row.role == "primary" and _all_alike(question.primary, row)]
    least = min(row.n for row, _ in table if row.role == "primary")
    if question.design == "paired" and least < FEW_PAIRS:
        found.append(Caveat(code="few_pairs", message=f"Only {least} tasks were answered by both arms"))
    if verdict in ("winner", "non_inferior_cheaper"):
        found += _slower(question, table)
    if verdict == "inconclusive" and any(s.reading == "better" and s.guard == "unclear" for s in standings):
        found.append(
            Caveat(code="guardrail_unclear", message="A better arm was held back: a guardrail is not yet shown to hold")
        )
    return found


def _all_alike(metric: Metric, row: ComparisonRow) -> bool:
    """Whether both arms are at the same end of what the metric can be, so that no spread was seen."""
    return row.arm_mean.value == row.control_mean.value and row.arm_mean.value in (metric.support or ())


def _quality_unknown(own: Conditions) -> bool:
    """Whether nothing was measured at all, or some arm completed tasks and none of them was measured."""
    arms = [own.of_arms([arm]) for arm in own.arms]
    unmeasured = any(arm.total("quality_missing") and not arm.total("quality_measured") for arm in arms)
    return unmeasured or not own.total("quality_measured")


def _slower(question: Question, table: list[Finding]) -> list[Caveat]:
    slow = [
        row.arm
        for row, _ in table
        if row.metric == "latency" and row.difference.lower > (SLOWER - 1.0) * row.control_mean.value
    ]
    message = f"{', '.join(slow)} takes more than {SLOWER:g} times as long as {question.control}"
    return [Caveat(code="slower", message=message)] if slow else []


def _planned_arms(log: Log, window: Window) -> tuple[str, ...]:
    """Arms of the last experiment that was registered in this window."""
    asked = window.params()
    plans = log.query("experiment_plans", **{name: asked[name] for name in ("task_type", "experiment", "to_us")})
    return tuple(plans[-1]["arms"]) if plans else ()


def _plan_caveats(planned: Sequence[str], present: Sequence[str], *, named: bool) -> list[Caveat]:
    """Arms that the plan names and the log lacks; of an experiment asked for by name, also the other way round."""
    found = []
    if missing := [arm for arm in planned if arm not in present]:
        found.append(Caveat(code="one_arm_empty", message=f"Planned arms without outcomes: {', '.join(missing)}"))
    if named and planned and (stray := [arm for arm in present if arm not in planned]):
        found.append(Caveat(code="unplanned_arm", message=f"Arms that the plan does not name: {', '.join(stray)}"))
    return found


def _known(arms: Sequence[str] | None, outcomes: Outcomes) -> None:
    """Refuse arms that never ran here, whichever config or plan they are of."""
    unknown = [arm for arm in arms or () if arm not in outcomes.arms and arm != HUMAN]
    if unknown:
        message = f"arms == {list(arms or ())!r}, no outcome of {unknown!r} here"
        raise NotEnoughData(message, hint=f"arms with outcomes: {', '.join(outcomes.arms) or 'none'}")


def _control(present: Sequence[str], control: str | None, planned: tuple[str, ...]) -> str:
    if control is not None and control not in present:
        message = f"control == {control!r}, has no outcome here"
        raise NotEnoughData(message, hint=f"arms with outcomes: {', '.join(present) or 'none'}")
    return control or next((arm for arm in planned if arm in present), min(present, default=""))


def _check(metric: Metric, direction: str, margins: Sequence[tuple[str, float]], alpha: float) -> None:
    check_alpha(alpha)
    for name, margin in margins:
        if not margin >= 0:
            message = f"margin == {margin!r} in {name}, must not be negative"
            raise InputError(message, hint="the largest loss in the metric that is acceptable, such as 0.05")
    better = "higher" if metric.higher_is_better else "lower"
    if direction and (direction == "increase") != metric.higher_is_better:
        message = f"direction == {direction!r}, but {metric.name} is better when {better}"
        raise InputError(message, hint="leave `direction` empty, or name the metric you mean")
