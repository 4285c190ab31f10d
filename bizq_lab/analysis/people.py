"""What people did who took over, beside a comparison: an arm of their own, which nobody drew (S21). Decides nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bizq_lab.analysis.comparison import Comparison, ComparisonRow
from bizq_lab.analysis.contrast import contrast
from bizq_lab.analysis.families import row_of
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.core.decision import HUMAN
from bizq_lab.core.estimate import Caveat
from bizq_lab.errors import NotEnoughData

if TYPE_CHECKING:
    from bizq_lab.analysis.families import Question
    from bizq_lab.analysis.metrics import Metric
    from bizq_lab.analysis.outcomes import Outcomes

PEOPLE = Caveat(
    code="people",
    message="People got only the tasks that no model completed: their arm is not comparable with the others",
)


def with_people(answer: Comparison, question: Question, outcomes: Outcomes) -> Comparison:
    """The answer with a row for each metric of the people's arm against the control.

    The rows are in no family and read nothing: people were given what models had failed at.
    """
    rows = [row for metric in METRICS.values() if (row := _row(question, metric, outcomes)) is not None]
    if not rows:
        return answer
    return replace(answer, rows=(*answer.rows, *rows), caveats=(*answer.caveats, PEOPLE))


def _row(question: Question, metric: Metric, outcomes: Outcomes) -> ComparisonRow | None:
    """One metric, as an observational study would see it; None where either side lacks it."""
    theirs = question.samples[metric.name].get(question.control)
    mine = outcomes.people(metric)
    if mine is None or theirs is None:
        return None
    try:
        test = contrast(metric, mine, theirs, design="observational", level=1 - question.alpha)
    except NotEnoughData:
        return None
    return replace(row_of(question, metric, HUMAN, (mine, theirs), test, role="people"), n=mine.units)
