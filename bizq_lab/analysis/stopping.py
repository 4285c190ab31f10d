"""When to stop a running experiment, and what it has shown by then: pure decisions over what a look sees.

Looking costs nothing here, since every interval holds at all looks together. Stopping for futility or for the budget
can only lower the error rate; stopping for a guardrail is controlled by the guardrail's own sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from bizq_lab.analysis.look import Sight
from bizq_lab.analysis.sequences import Watched
from bizq_lab.analysis.verdict import Reading, Standing, Verdict, decide, oriented, worst
from bizq_lab.core.money import format_usd
from bizq_lab.stats.srm import ALARM

Stop = Literal["", "winner", "futility", "guardrail", "budget", "invalid"]
HOPELESS = 0.1  # predictive power below which going on is futile
FUTILE_FROM = 0.25  # of the planned tasks; before, one unlucky week would end everything


class Ruling(NamedTuple):
    """What a look leads to: stop or not, the verdict so far, the arm it names, and a sentence."""

    stop: Stop
    verdict: Verdict
    winner: str
    reason: str


def rule(sights: Sequence[Sight], watched: Watched, *, split_p: float | None, spent_nano_usd: int) -> Ruling:
    """Whether to stop, most urgent reason first: an invalid split, a guardrail, a winner, the budget, futility."""
    if split_p is not None and split_p < ALARM:
        return Ruling("invalid", "invalid", "", f"units were not split as logged (p = {split_p:.1g})")
    broken = [(sight.arm, rail) for sight in sights for rail in sight.rails if rail.reading == "failed"]
    if broken:
        arm, rail = broken[0]
        said = f"{arm} breaks the guardrail on {rail.metric}: {rail.difference}, at most {rail.margin:g} may be lost"
        return Ruling("guardrail", "guardrail_failed", "", said)
    standings = [_standing(sight, watched) for sight in sights]
    verdict, winner = decide(standings, watched.control)
    if verdict in ("winner", "non_inferior_cheaper"):
        better = "better" if verdict == "winner" else "no worse by the margin, and cheaper"
        return Ruling("winner", verdict, winner, f"{winner} is shown to be {better}")
    if watched.budget_nano_usd is not None and spent_nano_usd >= watched.budget_nano_usd:
        usd = format_usd(watched.budget_nano_usd / 1e9)
        return Ruling("budget", verdict, "", f"the budget of {usd} is spent")
    if verdict == "no_difference":
        return Ruling("futility", verdict, "", f"no arm differs by as much as {watched.margin:g}")
    return _futility(sights, watched, verdict)


def _futility(sights: Sequence[Sight], watched: Watched, verdict: Verdict) -> Ruling:
    share = min(sight.tasks for sight in sights) / (2 * watched.planned_n)
    if share >= 1:
        return Ruling("futility", verdict, "", "the planned sample is in, and does not decide")
    if all(_gain_excluded(sight, watched) for sight in sights):
        return Ruling("futility", verdict, "", f"a gain of {watched.minimum_effect:g} is excluded")
    if share >= FUTILE_FROM and all(s.outlook is not None and s.outlook < HOPELESS for s in sights):
        chance = max(sight.outlook or 0.0 for sight in sights)
        return Ruling("futility", verdict, "", f"the rest of the plan would decide with a chance of {chance:.0%} only")
    return Ruling("", verdict, "", "")


def _gain_excluded(sight: Sight, watched: Watched) -> bool:
    """Whether neither side can still be better by what matters."""
    low, high = sight.difference.lower, sight.difference.upper
    return watched.minimum_effect > 0 and -watched.minimum_effect < low and high < watched.minimum_effect


def _standing(sight: Sight, watched: Watched) -> Standing:
    value, lower, upper = oriented(sight.difference, higher_is_better=watched.metric.higher_is_better)
    reading: Reading = "unclear"
    if lower > 0 or upper < 0:
        reading = "better" if lower > 0 else "worse"
    elif watched.margin > 0 and -watched.margin < lower and upper < watched.margin:
        reading = "equivalent"
    return Standing(
        arm=sight.arm,
        reading=reading,
        keeps_margin=lower > -watched.margin,
        control_keeps_margin=upper < watched.margin,
        cheaper=sight.cheaper,
        guard=worst([rail.reading for rail in sight.rails]),
        gain=value,
    )
