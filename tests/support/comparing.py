"""Comparisons as tests ask them: every number in an answer is one. Splits traffic in halves."""

from __future__ import annotations

import math
from typing import Any

from bizq_lab.analysis import Comparison, compare
from bizq_lab.core.estimate import Estimate
from bizq_lab.store import Log
from tests.support.analysis_log import TASK_TYPE, Stream

HALVES = [{"arm": arm, "propensity": 0.5} for arm in ("a", "b")]
SPLIT = {"propensity_ppb": 500_000_000, "candidates": HALVES, "design": "randomised"}


def asked(log: Log, **options: Any) -> Comparison:
    """The answer, once every number in it was seen to be one."""
    answer = compare(log, task_type=TASK_TYPE, **({"primary": "success"} | options))
    cells = [cell for record in answer.records() for cell in record.values()]
    numbers = [c for c in cells if isinstance(c, float)]
    numbers += [v for c in cells if isinstance(c, Estimate) for v in (c.value, c.lower, c.upper)]
    assert not any(map(math.isnan, numbers))
    assert "nan" not in f"{answer.summary()} {answer.headline()}".lower().replace("finance", "")
    assert answer.to_frame().shape[0] == len(answer.rows)
    return answer


def codes(answer: Comparison) -> set[str]:
    """What it tells with reservation."""
    return {caveat.code for caveat in answer.caveats}


def unit(stream: Stream, number: int, *, arm: str, succeeded: bool = True, segment: str = "", **outcome: Any) -> str:
    """One request of a unit of its own, drawn with probability one half."""
    drawn = {"unit": f"u{number}", **SPLIT, "segment": segment}
    return stream.run(arm=arm, task=f"t{number}", succeeded=succeeded, decide=drawn, **outcome)
