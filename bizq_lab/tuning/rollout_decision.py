"""Whether a rollout goes on, waits, or is taken back: one pure function of the outcomes so far.

The scheduled check and the proof that it errs as rarely as promised (`tests/tuning/rollout_study.py`) both call it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bizq_lab.errors import NotEnoughData, PositivityViolation
from bizq_lab.stats.srm import SampleRatio, sequential_sample_ratio
from bizq_lab.tuning.guardrails import Exposures, Guardrail, Reading, read_guardrails

SPLIT_PRIOR = 200.0  # a rollout may have few units: look for deviations of several points first
Action = Literal["advance", "hold", "roll_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one look says.

    Attributes:
        action: `advance`, `hold` or `roll_back`.
        reason: In words.
        readings: Each guardrail.
        mismatch: The sample-ratio check when it alarms; None otherwise.
    """

    action: Action
    reason: str
    readings: tuple[Reading, ...] = ()
    mismatch: SampleRatio | None = None


def judge(
    exposures: Exposures,
    guardrails: Sequence[Guardrail],
    *,
    alpha: float,
    hours: float,
    min_hours: float,
) -> Judgement:
    """Take back on harm; else hold on a broken split, an early or an undecided stage; else advance.

    Harm is looked at first: nothing holds a rollback up, not even a sample-ratio alarm.

    Args:
        exposures: All stages so far.
        guardrails: What must not get worse.
        alpha: Probability, over all looks and guardrails, of taking back what does no harm.
        hours: Age of this stage.
        min_hours: Least age at which it may be left.
    """
    readings = read_guardrails(exposures, guardrails, alpha=alpha)
    harmful = [str(reading) for reading in readings if reading.state == "harmful"]
    mismatch = sample_ratio_alarm(exposures)
    if harmful:
        return Judgement(action="roll_back", reason="; ".join(harmful), readings=readings, mismatch=mismatch)
    if mismatch is not None:
        seen, due = mismatch.observed[1], mismatch.expected[1]
        reason = f"units were not split as logged: {seen} met the arm, {due:.0f} were due (p = {mismatch.p_value:.1g})"
        return Judgement(action="hold", reason=reason, readings=readings, mismatch=mismatch)
    if hours < min_hours:
        reason = f"the stage is younger than {min_hours:g} hours"
        return Judgement(action="hold", reason=reason, readings=readings)
    waiting = [str(reading) for reading in readings if reading.state != "clear"]
    if waiting:
        return Judgement(action="hold", reason="; ".join(waiting), readings=readings)
    reason = "every guardrail is clear: " + ", ".join(f"{r.guardrail.metric} {r.guardrail.margin:g}" for r in readings)
    return Judgement(action="advance", reason=reason, readings=readings)


def sample_ratio_alarm(exposures: Exposures) -> SampleRatio | None:
    """The sequential check of units at their first exposure in each stage, day by day (S29); None when it is quiet."""
    first = exposures.first_day >= 0
    if not first.any():
        return None
    keys = np.stack([exposures.first_day[first], exposures.stage[first]])
    promised, treated = exposures.promised[first], exposures.treated[first]
    _, look = np.unique(np.concatenate([keys, [np.round(promised * 1e9)]]), axis=1, return_inverse=True)
    look = look.ravel()
    n = np.bincount(look)
    hit = np.bincount(look, weights=treated)
    share = np.bincount(look, weights=promised) / n
    try:
        check = sequential_sample_ratio(
            np.stack([n - hit, hit], axis=1), np.stack([1 - share, share], axis=1), concentration=SPLIT_PRIOR
        )
    except (NotEnoughData, PositivityViolation) as error:
        count = int(n.sum())
        return SampleRatio(
            observed=(count, 0),
            expected=(count, 0.0),
            p_value=0.0,
            statistic=0.0,
            df=None,
            alarm=True,
            method=str(error),
        )
    return check if check.alarm else None
