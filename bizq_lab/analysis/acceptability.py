"""Which arm is best, for every worth of a success? Probabilities over a range of lambda, and who leads where.

Net benefit is `lambda * quality - cost`. What a success is worth is a judgement; this answer shows how far the choice
hangs on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bizq_lab.analysis.cells import Cell, Window, read_cells
from bizq_lab.analysis.value import measure_of, worth
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import InputError, NotEnoughData

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.catalog import Catalog
    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

DRAWS, SEED, POINTS = 20_000, 20240401, 9
SPAN = 30.0  # from a thirtieth of the catalog's value to thirty times it


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptabilityRow:
    """One arm at one worth of a success.

    Attributes:
        task_type: Task type.
        arm: Arm id, or the model where the rules chose.
        value_usd: Lambda: what a result of quality 1 is worth.
        net_benefit_usd: Of the arm, a task.
        probability: That it is the best of all arms here; over arms they sum to 1.
    """

    task_type: str
    arm: str
    value_usd: float
    net_benefit_usd: Estimate
    probability: float


@dataclass(frozen=True, kw_only=True, repr=False)
class Acceptability(Result):
    """The cost-effectiveness acceptability curve of one task type.

    Attributes:
        stated_usd: The worth that the catalog states.
    """

    title: ClassVar[str] = "Best arm by what a success is worth"
    columns: ClassVar[tuple[str, ...]] = tuple(AcceptabilityRow.__dataclass_fields__)

    rows: tuple[AcceptabilityRow, ...]
    stated_usd: float

    def leaders(self) -> list[tuple[float, str, float]]:
        """(worth, arm, probability) of the likeliest best arm at each worth."""
        worths = dict.fromkeys(row.value_usd for row in self.rows)
        best = [max((r for r in self.rows if r.value_usd == w), key=lambda r: r.probability) for w in worths]
        return [(row.value_usd, row.arm, row.probability) for row in best]

    def summary(self) -> str:
        """Who leads from which worth on."""
        said, last = [], ""
        for value, arm, probability in self.leaders():
            if arm != last:
                said.append(f"{arm} from ${value:.3g} ({probability:.0%})")
                last = arm
        name = self.rows[0].task_type
        return f"Likeliest best at {name}, by what a success is worth: {', then '.join(said)}."

    def records(self) -> list[dict[str, Value]]:
        """One mapping an arm and worth."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """The curves."""
        from bizq_lab.viz import acceptability  # noqa: PLC0415 - loads matplotlib

        rows = [{"arm": r.arm, "value_usd": r.value_usd, "probability": r.probability} for r in self.rows]
        drawn = acceptability(rows, title=f"Probability of being the best choice at {self.rows[0].task_type}", ax=ax)
        drawn.set_xscale("log")
        drawn.set_xlim(self.rows[0].value_usd, self.rows[-1].value_usd)
        return drawn


def acceptability(
    log: Log,
    *,
    catalog: Catalog,
    task_type: str,
    values_usd: Sequence[float] = (),
    experiment: str | None = None,
    from_us: int | None = None,
    to_us: int | None = None,
    level: float = 0.95,
) -> Acceptability:
    """Probability that each arm is the best, over a range of what a success is worth.

    Args:
        log: The log.
        catalog: States the worth around which the range lies.
        task_type: Which.
        values_usd: Worths to ask for; by default nine, evenly on a logarithmic scale around the stated one.
        experiment: Only this one.
        from_us: Decisions at or after this instant, UTC microseconds.
        to_us: Decisions before this instant.
        level: Coverage of the intervals.

    Raises:
        NotEnoughData: Fewer than two arms with known costs.
        InputError: A worth that is not positive.

    Source:
        van Hout, Al, Gordon & Rutten 1994, Health Economics 3:309; net benefit: Stinnett & Mullahy 1998.
    """
    window = Window(task_type=task_type, experiment=experiment, from_us=from_us, to_us=to_us)
    cells = {cell.arm: cell for cell in read_cells(log, window, by_model=False) if cell.n}
    stated = catalog.task_type(task_type)[0].value_usd
    values = [float(v) for v in values_usd] or _range(stated)
    if not min(values) > 0:
        message = f"values_usd == {values!r}, must be positive"
        raise InputError(message)
    measure = "quality" if cells and all(measure_of(cell) == "quality" for cell in cells.values()) else "success"
    fit = {arm: cell for arm, cell in cells.items() if worth(cell, stated, measure=measure, level=level) is not None}
    if len(fit) < 2:  # noqa: PLR2004 - a choice needs two
        message = f"{len(fit)} arms of {task_type!r} have a known cost, two are needed"
        raise NotEnoughData(message, hint="run another arm, or give its model a price")
    return Acceptability(
        rows=tuple(row for value in sorted(values) for row in _at(task_type, fit, value, measure, level)),
        stated_usd=stated,
        caveats=_caveats(cells, fit, measure),
        provenance=Provenance(
            view="task_outcome",
            window=str(window),
            n_decisions=sum(cell.n for cell in fit.values()),
            catalog_version=catalog.version,
            seed=SEED,
        ),
    )


def _at(task_type: str, cells: dict[str, Cell], value_usd: float, measure: str, level: float) -> list[AcceptabilityRow]:
    """Every arm at one worth; the same normal draws serve every worth, so that curves cross for a reason."""
    found = {arm: w for arm, c in cells.items() if (w := worth(c, value_usd, measure=measure, level=level)) is not None}
    noise = np.random.default_rng(SEED).standard_normal((DRAWS, len(found)))
    means = np.array([w.estimate.value for w in found.values()])
    drawn = means + noise * np.array([w.se for w in found.values()])
    wins = np.bincount(drawn.argmax(axis=1), minlength=len(found)) / DRAWS
    return [
        AcceptabilityRow(
            task_type=task_type,
            arm=arm,
            value_usd=value_usd,
            net_benefit_usd=w.estimate,
            probability=float(wins[place]),
        )
        for place, (arm, w) in enumerate(found.items())
    ]


def _range(stated: float) -> list[float]:
    centre = stated if stated > 0 else 1.0
    return [float(v) for v in np.geomspace(centre / SPAN, centre * SPAN, POINTS)]


def _caveats(cells: dict[str, Cell], fit: dict[str, Cell], measure: str) -> tuple[Caveat, ...]:
    notes = []
    if len(fit) < len(cells):
        left = ", ".join(sorted(set(cells) - set(fit)))
        notes.append(Caveat(code="unpriced", message=f"Left out, for want of a price or of spread: {left}"))
    if measure == "success":
        notes.append(Caveat(code="value_by_success", message="Where quality was not measured, success stands for it"))
    if any(cell.row["paired"] for cell in fit.values()):
        message = "Arms that did the same tasks are drawn as independent, which blurs their difference"
        notes.append(Caveat(code="pairs_as_independent", message=message))
    return tuple(notes)
