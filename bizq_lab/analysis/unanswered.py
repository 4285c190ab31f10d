"""What did not answer: ratings that nobody gave, calls that ran out of time. Knows no verdict.

Whoever rates may differ from whoever does not, and a call cut short would have taken longer: leaving either out
flatters somebody. Both are told, with what the data say under an assumption and without one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from bizq_lab.analysis.contrast import contrast
from bizq_lab.analysis.metrics import METRICS, RESPONSE
from bizq_lab.core.estimate import Caveat
from bizq_lab.errors import NotEnoughData
from bizq_lab.stats.histogram import Histogram
from bizq_lab.stats.missing import Reported, difference_at_random, difference_bounds
from bizq_lab.stats.survival import LifeTable, log_rank, restricted_mean_difference
from bizq_lab.stats.types import Moments, Test

if TYPE_CHECKING:
    from bizq_lab.analysis.outcomes import Outcomes

RATINGS = (1.0, 5.0)


def rating_caveats(outcomes: Outcomes, control: str, treatments: Sequence[str], *, alpha: float) -> list[Caveat]:
    """Who rated, what follows if silence depends on the segment alone, and what follows if nothing is assumed.

    Source:
        Missing at random within segments: Robins, Rotnitzky & Zhao 1994; bounds: Manski 1990 (`stats.missing`).
    """
    level, found, unlike = 1 - alpha, [], []
    rates = outcomes.clusters.of_arms((control, *treatments)).over_segments().samples(RESPONSE)
    silent = {arm: _reported(outcomes, arm) for arm in (control, *treatments)}
    if not any(stratum.missing for strata in silent.values() for stratum in strata.values()):
        return []
    for arm in treatments:
        mine, theirs = silent[arm], silent[control]
        try:
            test = contrast(RESPONSE, rates[arm], rates[control], design=outcomes.design, level=level)
            bounds = difference_bounds(_pooled(mine), _pooled(theirs), RATINGS, unit="rating", level=level)
        except (NotEnoughData, KeyError):
            continue
        said = (
            f"{arm}: whatever the silent think, the difference lies between {bounds.lower:.2f} and {bounds.upper:.2f}"
        )
        found.append(said + _at_random(mine, theirs, level))
        if test.p_value <= alpha:
            unlike.append(f"{arm} {rates[arm].total.sum() / rates[arm].n.sum():.0%}")
    caveats = [
        Caveat(
            code="ratings_missing",
            message="Ratings are of those who answered; others may think differently. " + "; ".join(found),
        )
    ]
    if unlike:
        base = rates[control].total.sum() / rates[control].n.sum()
        message = (
            f"Arms were rated at different rates ({', '.join(unlike)}; {control} {base:.0%}): silence is no accident"
        )
        caveats.append(Caveat(code="response_rates_differ", message=message))
    return caveats


def life_tables(durations: Mapping[str, Histogram]) -> dict[str, LifeTable]:
    """Response times by arm, calls that ran out of time as cut short; nothing where none did."""
    if not any(histogram.unanswered.any() for histogram in durations.values()):
        return {}
    return {
        arm: LifeTable(own.middles_s, *np.array([own.n - own.unanswered, own.unanswered], dtype=np.float64))
        for arm, own in durations.items()
    }


def restricted_test(treatment: LifeTable, control: LifeTable, *, level: float) -> Test:
    """Difference of mean seconds up to the longest time that both arms were watched for.

    Raises:
        NotEnoughData: Too few calls, or no spread.
    """
    horizon = float(min(treatment.time[-1], control.time[-1]))
    return restricted_mean_difference(treatment, control, horizon, level=level)


def timeout_caveats(tables: Mapping[str, LifeTable], control: str, treatments: Sequence[str]) -> list[Caveat]:
    """How many calls were cut short, and whether one arm answers sooner throughout (log-rank)."""
    if not tables or control not in tables:
        return []
    said = []
    for arm in treatments:
        try:
            test = log_rank(tables[arm], tables[control])
        except (NotEnoughData, KeyError):
            continue
        said.append(
            f"{arm} answers {test.estimate.value:.2f} times as readily as {control} (log-rank p = {test.p_value:.2g})"
        )
    cut = {arm: int(table.censored.sum()) for arm, table in tables.items() if arm in (control, *treatments)}
    counts = ", ".join(f"{arm} {n}" for arm, n in sorted(cut.items()))
    message = f"Calls that ran out of time count as cut short, not as answers ({counts})"
    return [Caveat(code="timeouts", message="; ".join([message, *said]))]


def _reported(outcomes: Outcomes, arm: str) -> dict[str, Reported]:
    """By segment, ratings in their own unit and how many outcomes have none."""
    found = {}
    own = outcomes.clusters.of_arms([arm])
    for segment in own.segments:
        n = own.of(segment=segment).total("n")
        levels = outcomes.levels(arm, segment)
        moments = Moments(
            sum(levels.values()),
            sum(level * count for level, count in levels.items()),
            sum(level * level * count for level, count in levels.items()),
        ).scaled(Fraction(1, METRICS["rating"].per_unit))
        found[segment] = Reported(moments, n - moments.n)
    return found


def _pooled(strata: Mapping[str, Reported]) -> Reported:
    moments = Moments(0)
    for stratum in strata.values():
        moments += stratum.observed
    return Reported(moments, sum(stratum.missing for stratum in strata.values()))


def _at_random(mine: Mapping[str, Reported], theirs: Mapping[str, Reported], level: float) -> str:
    if len(mine) == 1:  # no segments: the row's own difference says it
        return ""
    try:
        test = difference_at_random(list(mine.values()), list(theirs.values()), unit="rating", level=level)
    except NotEnoughData:
        return ""
    return f"; {test.estimate} if silence depends on the segment alone"
