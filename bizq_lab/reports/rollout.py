"""The report of one rollout: how far it is, whether it does harm, how the arms do meanwhile. Computes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from bizq_lab.core.money import format_usd
from bizq_lab.errors import NotEnoughData
from bizq_lab.lab.past import US_PER_S, end_of_day_us
from bizq_lab.reports.figures import figures_of, section
from bizq_lab.reports.periodic import Periodic
from bizq_lab.reports.section import Headline, Report, Section

if TYPE_CHECKING:
    from bizq_lab.analysis import Performance
    from bizq_lab.lab import Lab
    from bizq_lab.lab.past import Past
    from bizq_lab.tuning import RolloutHistory

_NEXT = {
    "ramping": "Nothing: the next check advances it, holds it or takes it back.",
    "held": "Promote it or roll it back: somebody held it by hand.",
    "complete": "Nothing: the arm has all the traffic that the ramp was to give it.",
    "rolled_back": "Find out why before it is tried again; what ran before runs now.",
}


def rollout_report(lab: Lab, *, rollout: str = "", as_of: date, title: str = "", note: str = "") -> Periodic:
    """One rollout as it stood on the evening of a day.

    Args:
        lab: An open lab.
        rollout: Its id; the one begun last if empty.
        as_of: What was recorded up to the end of this UTC day counts.
        title: What it is called; by default after arm and task type.
        note: Where the data comes from, when that must not be overlooked.

    Raises:
        InputError: The log knew no such rollout by then.
        NotEnoughData: It knew none.
    """
    past = lab.as_of(as_of)
    with past.log.held():
        return _told(lab, past, rollout, as_of, title, note)


def _told(lab: Lab, past: Past, rollout: str, as_of: date, title: str, note: str) -> Periodic:  # noqa: PLR0917 - private
    history, guardrails = past.rollout_history(rollout)
    began_us = _began_us(history)
    performance = _performance(past, history, began_us, as_of)
    sections = [
        section("History", "How far is the rollout, and how did it get there?", history),
        section("Guardrails", "Does it do harm?", guardrails),
        *([] if performance is None else [_arms(past, history, performance, began_us, as_of)]),
    ]
    last = history.steps[-1]
    report = Report(
        title=title or f"Rollout of {history.arm} at {history.task_type}",
        sections=tuple(sections),
        as_of=as_of,
        headline=Headline(
            working=guardrails.summary(),
            cost=_cost(performance),
            changed=history.summary(),
            action=_NEXT[history.status],
        ),
        facts={
            "Rollout": history.rollout,
            "Status": history.status.replace("_", " "),
            "Share": f"{last['percent']} % (before: {history.before} %)",
            "Ramp": ", ".join(f"{share} %" for share in history.ramp) or "not in the log",
            "Began": f"{history.rows[0]['at']} UTC",
            "Catalog": lab.catalog.name,
        },
        note=note,
    )
    return Periodic(report, int(history.status == "rolled_back"))


def _began_us(history: RolloutHistory) -> int:
    began = datetime.fromisoformat(str(history.rows[0]["at"])).replace(tzinfo=UTC)
    return int(began.timestamp()) * US_PER_S


def _performance(past: Past, history: RolloutHistory, began_us: int, as_of: date) -> Performance | None:
    """How every arm of the task type did since it began; None before the first outcome."""
    try:
        return past.performance(task_type=history.task_type, from_us=began_us, to_us=end_of_day_us(as_of))
    except NotEnoughData:
        return None


def _arms(past: Past, history: RolloutHistory, performance: Performance, began_us: int, as_of: date) -> Section:
    marks = {date.fromisoformat(str(step["at"])[:10]): f"{step['percent']} %" for step in history.steps}
    trend = past.day_by_day(task_type=history.task_type, from_us=began_us, to_us=end_of_day_us(as_of), marks=marks)
    return Section(
        heading="Arms",
        question="How did each arm do since it began?",
        results=(performance,),
        figures=(*figures_of(trend), *figures_of(performance)),
        details=(("Day by day", trend),),
    )


def _cost(performance: Performance | None) -> str:
    if performance is None:
        return "Nothing was decided since it began."
    return f"{format_usd(performance.spent_usd)} for {performance.provenance.n_decisions:,} decisions since it began."
