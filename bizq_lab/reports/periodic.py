"""Daily and weekly: is it working, what does it cost, what changed, what should we do. Computes nothing."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.reports.comparisons import planned_comparisons
from bizq_lab.reports.figures import figures_of, section
from bizq_lab.reports.loop import Verdicts
from bizq_lab.reports.section import Headline, Report, Section
from bizq_lab.reports.span import Period, Span

if TYPE_CHECKING:
    from bizq_lab.analysis import Comparison, Happenings
    from bizq_lab.core.result import Result
    from bizq_lab.lab import Lab
    from bizq_lab.lab.past import Past

TITLES = {"daily": "Daily report", "weekly": "Weekly report"}


class Periodic(NamedTuple):
    """A report, and whether someone should look at once."""

    report: Report
    alerts: int


def periodic_report(lab: Lab, period: Period, *, as_of: date, title: str = "", note: str = "") -> Periodic:
    """A day against the day before, or a week against the week before, as it was known on the evening of `as_of`.

    Args:
        lab: An open lab.
        period: `daily` or `weekly`.
        as_of: The last UTC day it is about; what was recorded later is not in it.
        title: What it is called; by default by its period.
        note: Where the data comes from, when that must not be overlooked.

    Raises:
        NotEnoughData: The stretch holds no outcome.
    """
    past = lab.as_of(as_of)
    with past.log.held():  # every answer is of one state of the log, which is opened once
        return _told(lab, past, Span.of(period, as_of), title or TITLES[period], note)


def _told(lab: Lab, past: Past, span: Span, title: str, note: str) -> Periodic:
    performance = past.performance(from_us=span.from_us, to_us=span.to_us)
    happened = past.happenings(from_us=span.from_us, to_us=span.to_us)
    cost = past.cost_change(
        from_us=span.from_us,
        to_us=span.to_us,
        before_from_us=span.before_from_us,
        label_before=span.label_before,
        label_now=span.label,
    )
    moved = past.movement(from_us=span.from_us, to_us=span.to_us, before_from_us=span.before_from_us)
    proposal = past.tune(as_of=span.last)
    verdicts = _verdicts(past, span)
    sections = [
        _working(past, span, happened, performance),
        section("Cost", "What does it cost, and why did that change?", cost, past.efficiency(to_us=span.to_us)),
        section("Changes", f"What changed against {span.label_before}?", moved, happened),
        *_experiments(verdicts),
        section("Next", "What should we do?", proposal),
    ]
    headline = Headline(
        working=performance.summary(),
        cost=cost.summary(),
        changed=" ".join(filter(None, [_alarm(happened), moved.summary()])),
        action=" ".join([*([verdicts.summary()] if verdicts else []), proposal.summary()]),
    )
    report = Report(
        title=title,
        sections=tuple(sections),
        as_of=span.last,
        headline=headline,
        facts={
            "Period": span.label,
            "Tasks": f"{cost.tasks_now:,}",
            "Alerts": str(happened.alerts),
            "Catalog": lab.catalog.name,
        },
        note=note,
    )
    return Periodic(report, happened.alerts)


def _working(past: Past, span: Span, happened: Happenings, performance: Result) -> Section:
    trend = past.day_by_day(from_us=span.trend_from_us, to_us=span.to_us, marks=happened.marks)
    return Section(
        heading="Health",
        question="Is it working?",
        results=(performance,),
        figures=(*figures_of(trend), *figures_of(performance)),
        details=(("Day by day", trend),),
    )


def _verdicts(past: Past, span: Span) -> Verdicts | None:
    """What the experiments say that were registered or had outcomes in the stretch."""
    found: list[Comparison] = planned_comparisons(past, from_us=span.from_us, to_us=span.to_us)
    return Verdicts(compared=tuple(found)) if found else None


def _experiments(verdicts: Verdicts | None) -> list[Section]:
    if verdicts is None:
        return []
    details = tuple((comparison.task_type, comparison) for comparison in verdicts.compared)
    return [section("Experiments", "Which arm is better, and how sure are we?", verdicts, details=details)]


def _alarm(happened: Happenings) -> str:
    if not happened.alerts:
        return ""
    return f"{happened.alerts} {'alert was' if happened.alerts == 1 else 'alerts were'} raised."
