"""The report of everything a log knew on a day: asks the questions, hands the answers over. Computes nothing."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from bizq_lab.lab.past import end_of_day_us
from bizq_lab.reports.comparisons import planned_comparisons
from bizq_lab.reports.loop import loop_report

if TYPE_CHECKING:
    from bizq_lab.lab import Lab
    from bizq_lab.reports.section import Report


def summary_report(lab: Lab, *, as_of: date, title: str = "bizq_lab report", note: str = "") -> Report:
    """How arms do, which is better, what a success costs and where traffic should go, from a log up to a day.

    Args:
        lab: An open lab.
        as_of: What was recorded up to the end of this UTC day counts.
        title: What the report is about.
        note: Where the data comes from, when that must not be overlooked.

    Raises:
        NotEnoughData: The log holds no outcome up to that day.
    """
    past = lab.as_of(as_of)
    performance = past.performance()
    return loop_report(
        title=title,
        as_of=as_of,
        performance=performance,
        comparisons=planned_comparisons(past, to_us=end_of_day_us(as_of)),
        efficiency=past.efficiency(),
        proposal=past.tune(as_of=as_of),
        facts={"Decisions": f"{performance.provenance.n_decisions:,}", "Catalog": lab.catalog.name},
        note=note,
    )
