"""The report of one experiment: what was planned, what was found, and how sure that is. Computes nothing."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from bizq_lab.core.estimate import quantity
from bizq_lab.core.money import format_usd
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.lab.past import end_of_day_us
from bizq_lab.reports.comparisons import planned_comparisons
from bizq_lab.reports.figures import section
from bizq_lab.reports.section import Headline, Report

if TYPE_CHECKING:
    from bizq_lab.analysis import Comparison
    from bizq_lab.lab import Lab
    from bizq_lab.lab.past import Past


def experiment_report(lab: Lab, *, experiment: str = "", as_of: date, title: str = "", note: str = "") -> Report:
    """One experiment as it stood on the evening of a day.

    Args:
        lab: An open lab.
        experiment: Its id; the one registered last if empty.
        as_of: What was recorded up to the end of this UTC day counts.
        title: What it is called; by default after its task type.
        note: Where the data comes from, when that must not be overlooked.

    Raises:
        InputError: No such experiment was registered by then.
        NotEnoughData: None was, or it has no outcomes of two arms yet.
    """
    past = lab.as_of(as_of)
    plan = _plan(past, experiment, as_of)
    found = planned_comparisons(past, to_us=end_of_day_us(as_of), experiment=plan["experiment"])
    if not found:
        message = f"experiment {plan['experiment']!r} has no outcomes of two arms up to {as_of.isoformat()}"
        raise NotEnoughData(message, hint="run it further")
    comparison = found[0]
    performance = past.performance(experiment=plan["experiment"])
    return Report(
        title=title or f"Experiment at {plan['task_type']}",
        sections=(
            section("Result", f"Which arm is better at {plan['task_type']}, and how sure are we?", comparison),
            section("Arms", "How did each arm do?", performance),
        ),
        as_of=as_of,
        headline=Headline(
            working=performance.summary(),
            cost=f"{format_usd(performance.spent_usd)} for {performance.provenance.n_decisions:,} decisions.",
            changed=_changed(comparison),
            action=comparison.summary(),
        ),
        facts={
            "Experiment": plan["experiment"],
            "Arms": ", ".join(plan["arms"]),
            "Decides": f"{plan['primary_metric']}, margin {plan['margin']:g}, alpha {plan['alpha']:g}",
            "Verdict": comparison.verdict.replace("_", " "),
        },
        note=note,
    )


def _changed(comparison: Comparison) -> str:
    """What another arm in the control's place would change, metric by metric."""
    arm = comparison.main_row().arm
    own = [row for row in comparison.rows if row.arm == arm and row.role in {"primary", "guardrail", "secondary"}]
    said = [f"{row.metric} {quantity(row.difference.value, row.difference.unit)}, {row.reading}" for row in own]
    return f"{arm} in place of {comparison.control}: {'; '.join(said)}."


def _plan(past: Past, experiment: str, as_of: date) -> dict[str, Any]:
    plans = past.log.query("experiment_plans", task_type=None, experiment=experiment or None, to_us=None)
    if plans:
        return plans[-1]
    if experiment:
        message = f"experiment == {experiment!r}, was not registered by {as_of.isoformat()}"
        raise InputError(message, hint="bizq-lab sql 'SELECT DISTINCT experiment FROM experiment' lists them")
    message = f"no experiment was registered by {as_of.isoformat()}"
    raise NotEnoughData(message, hint="plan and run one first")
