"""Do raters agree? Krippendorff's alpha over the ratings of a task type, from the log alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bizq_lab.core.estimate import Estimate
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import NotEnoughData

if TYPE_CHECKING:
    from bizq_lab.core.result import Cell
    from bizq_lab.store import Log

MICRO = 1_000_000


@dataclass(frozen=True, kw_only=True, repr=False)
class RaterAgreement(Result):
    """How far raters agree beyond chance, and how each of them rates.

    Attributes:
        task_type: What was rated.
        alpha: Krippendorff's alpha on the ordinal scale; 1 is perfect agreement, 0 is chance.
        raters: Rater, number of ratings and mean rating.
        shared: Outputs that at least two rated.
    """

    title: ClassVar[str] = "Agreement of raters"
    columns: ClassVar[tuple[str, ...]] = ("rater", "ratings", "mean_rating")

    task_type: str
    alpha: Estimate
    raters: tuple[tuple[str, int, float], ...]
    shared: int

    def summary(self) -> str:
        """Alpha with its interval."""
        return (
            f"{len(self.raters)} raters of {self.task_type} agree with alpha {self.alpha} "
            f"on {self.shared} outputs that two or more rated."
        )

    def records(self) -> list[dict[str, Cell]]:
        """One mapping a rater."""
        return [{"rater": name, "ratings": n, "mean_rating": mean} for name, n, mean in self.raters]


def rater_agreement(log: Log, *, task_type: str, level: float = 0.95) -> RaterAgreement:
    """Agreement between the raters of a task type.

    Args:
        log: The log.
        task_type: What was rated.
        level: Coverage of the interval.

    Raises:
        NotEnoughData: No two raters rated the same two outputs.

    Source:
        Krippendorff 2011, "Computing Krippendorff's alpha-reliability".
    """
    from bizq_lab.stats.agreement import krippendorff_alpha  # noqa: PLC0415 - statistics load when they are needed

    by_item: dict[str, dict[str, float]] = {}
    for row in log.query("ratings", task_type=task_type):
        by_item.setdefault(row["decision_id"], {})[row["rater"]] = row["rating_ppm"] / MICRO
    raters = sorted({rater for said in by_item.values() for rater in said})
    shared = [said for said in by_item.values() if len(said) > 1]
    if len(shared) < 2:  # noqa: PLR2004 - one output tells nothing of agreement
        message = f"{len(shared)} outputs of {task_type!r} were rated by two or more raters"
        raise NotEnoughData(message, hint="let a second person rate: lab.rate(task_type, rater='bob')")
    table = [[said.get(rater, math.nan) for said in shared] for rater in raters]
    each = {rater: [said[rater] for said in by_item.values() if rater in said] for rater in raters}
    return RaterAgreement(
        task_type=task_type,
        alpha=krippendorff_alpha(table, level=level),
        raters=tuple((rater, len(said), sum(said) / len(said)) for rater, said in each.items()),
        shared=len(shared),
        provenance=Provenance(view="feedback", n_decisions=len(by_item)),
    )
