"""What one line of the study says, and when it passes. Knows no setting."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bizq_lab.core.estimate import Estimate

Measure = Literal["coverage", "type I error"]
Role = Literal["ours", "shown", "sketch"]


@dataclass(frozen=True)
class Row:
    """One method in one setting.

    Attributes:
        setting: What the world is like.
        method: Procedure.
        measure: Whether `hits` counts intervals that cover, or tests that falsely reject.
        nominal: Coverage or error promised.
        hits: Replications counted.
        replications: Replications run.
        role: `ours` is held to its promise, `shown` is reported as it is, `sketch` is the specification's own way.
    """

    setting: str
    method: str
    measure: Measure
    nominal: float
    hits: int
    replications: int
    role: Role = "ours"

    @property
    def simulated(self) -> float:
        """Share observed."""
        return self.hits / self.replications

    @property
    def standard_error(self) -> float:
        """Monte-Carlo standard error at the nominal share."""
        return math.sqrt(self.nominal * (1 - self.nominal) / self.replications)

    @property
    def keeps_its_promise(self) -> bool:
        """At most one point and three Monte-Carlo standard errors worse than nominal."""
        slack = 0.01 + 3 * self.standard_error
        if self.measure == "coverage":
            return self.simulated >= self.nominal - slack
        return self.simulated <= self.nominal + slack


def covers(estimates: Iterable[Estimate], truth: float) -> int:
    """How many intervals contain the truth."""
    return sum(e.lower <= truth <= e.upper for e in estimates)


def markdown(rows: Iterable[Row]) -> str:
    """The table, one line a method, failures marked."""
    lines = [
        "| setting | method | measure | nominal | simulated | ± 1 MC s.e. | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        note = {"ours": "", "shown": "shown, not relied on", "sketch": "the specification's sketch"}[row.role]
        mark = "" if row.keeps_its_promise else "**fails** "
        lines.append(
            f"| {row.setting} | {row.method} | {row.measure} | {row.nominal:.3f} | {row.simulated:.3f} "
            f"| {row.standard_error:.3f} | {mark}{note} |"
        )
    return "\n".join(lines)
