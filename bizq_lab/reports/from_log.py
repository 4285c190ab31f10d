"""The report of a log as it stood on a day: asks the lab's questions and hands the answers over. Computes nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from bizq_lab.errors import NotEnoughData
from bizq_lab.reports.loop import loop_report
from bizq_lab.reports.render import Form

if TYPE_CHECKING:
    from bizq_lab.analysis import Comparison
    from bizq_lab.lab import Lab

US_PER_S = 1_000_000


def log_report(lab: Lab, *, as_of: date, title: str = "bizq_lab report", note: str = "", form: Form = "html") -> str:
    """How arms do, which is better, what a success costs and where traffic should go, from a log up to a day.

    Args:
        lab: An open lab.
        as_of: Decisions up to the end of this UTC day count.
        title: What the report is about.
        note: Where the data comes from, when that must not be overlooked.
        form: `html`, `markdown` or `json`.

    Raises:
        NotEnoughData: The log holds no outcome up to that day.
    """
    end = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC) + timedelta(days=1)
    to_us = int(end.timestamp()) * US_PER_S
    performance = lab.performance(to_us=to_us)
    return loop_report(
        title=title,
        as_of=as_of,
        performance=performance,
        comparisons=_comparisons(lab, to_us),
        efficiency=lab.efficiency(to_us=to_us),
        proposal=lab.tune(as_of=as_of, to_us=to_us),
        facts={"Decisions": f"{performance.provenance.n_decisions:,}", "Catalog": lab.catalog.name},
        note=note,
        form=form,
    )


def _comparisons(lab: Lab, to_us: int) -> list[Comparison]:
    """One a registered experiment, as it was planned; those without two arms of outcomes are left out."""
    answers = []
    for plan in lab.log.query("experiment_plans", task_type=None, experiment=None, to_us=to_us):
        try:
            answers.append(
                lab.compare(
                    task_type=plan["task_type"],
                    experiment=plan["experiment"],
                    primary=plan["primary_metric"],
                    margin=plan["margin"],
                    alpha=plan["alpha"],
                    control=plan["arms"][0],
                    to_us=to_us,
                )
            )
        except NotEnoughData:
            continue
    return answers
