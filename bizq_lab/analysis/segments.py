"""The primary metric of each segment: what differs between customers, after luck is discounted. Decides nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bizq_lab.analysis.comparison import Comparison, ComparisonRow
from bizq_lab.analysis.contrast import complete_pairs, contrast
from bizq_lab.analysis.families import row_of
from bizq_lab.analysis.verdict import read_primary
from bizq_lab.core.estimate import Caveat
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.multiplicity import benjamini_hochberg
from bizq_lab.stats.shrinkage import shrink, standard_error

if TYPE_CHECKING:
    from bizq_lab.analysis.families import Question
    from bizq_lab.analysis.outcomes import Outcomes


def with_segments(answer: Comparison, question: Question, outcomes: Outcomes) -> Comparison:
    """The answer with a row for each segment and treatment that both arms have outcomes in.

    Their p-values are one family, adjusted by Benjamini-Hochberg. Each treatment's differences are also shrunk.
    """
    arms = (question.control, *question.treatments)
    found, left_out = [], []
    for segment in outcomes.clusters.of_arms(arms).segments:
        own = replace(question, samples=outcomes.samples(arms, segment=segment))
        for arm in question.treatments:
            try:
                found.append(_row(own, arm, segment))
            except NotEnoughData:
                left_out.append(segment)
    rows = [row for arm in question.treatments for row in _shrunk([r for r in found if r.arm == arm])]
    adjusted = benjamini_hochberg([row.p_value for row in rows]).tolist() if rows else []
    better = question.primary.higher_is_better
    read = [
        replace(
            row,
            p_adjusted=p,
            reading=read_primary(row.difference, p, question.alpha, 0.0, higher_is_better=better),
        )
        for row, p in zip(rows, adjusted, strict=True)
    ]
    caveats = answer.caveats
    if left_out:
        message = f"Segments that only one arm has outcomes in are left out: {', '.join(sorted(set(left_out)))}"
        caveats = (*caveats, Caveat(code="segments_left_out", message=message))
    return replace(answer, rows=(*answer.rows, *read), caveats=caveats)


def _row(question: Question, arm: str, segment: str) -> ComparisonRow:
    metric = question.primary
    own = question.samples[metric.name]
    mine, theirs = own.get(arm), own.get(question.control)
    if mine is None or theirs is None:
        message = f"segment {segment!r} has outcomes of one arm only"
        raise NotEnoughData(message)
    test = contrast(metric, mine, theirs, design=question.design, level=1 - question.alpha)
    if question.design == "paired" and mine.size is None:
        mine, theirs = complete_pairs(mine, theirs)
    return replace(row_of(question, metric, arm, (mine, theirs), test, role="segment"), segment=segment)


def _shrunk(rows: Sequence[ComparisonRow]) -> list[ComparisonRow]:
    """With the shrunk differences, where two segments know how sure they are."""
    known = [row for row in rows if 0.0 < standard_error(row.difference) < math.inf]
    if len(known) < 2:  # noqa: PLR2004 - one segment has no mean of others
        return list(rows)
    differences = [row.difference for row in known]
    estimates = shrink(
        [d.value for d in differences],
        [standard_error(d) for d in differences],
        unit=differences[0].unit,
        level=differences[0].level,
    )
    drawn = dict(zip((row.segment for row in known), estimates, strict=True))
    return [replace(row, shrunk=drawn.get(row.segment)) for row in rows]
