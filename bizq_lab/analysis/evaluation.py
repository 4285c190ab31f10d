"""The answer to "what would this config have cost and scored?": its rows and sentences. Computes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from bizq_lab.core.estimate import Estimate
from bizq_lab.core.result import Result
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.result import Cell as Value

Basis = Literal["off-policy", "paired", "mixed"]
ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """One metric at one task type, or over all of them.

    Attributes:
        task_type: Task type, or `all`: the mean over the log's traffic.
        metric: `success`, `quality`, `cost`, `latency`, `net_benefit` (value less cost) or `utility` (S7).
        value: Under the config that was asked about.
        reference: Under the other config, or as logged; None where paired tasks have nothing that ran.
        difference: Value less reference, with their covariance; None without a reference.
        basis: `off-policy` from randomised decisions, `paired` where all arms did the same tasks.
        n: Decisions behind it, or paired tasks.
        ess: Kish's effective sample size of the weights.
        mean_weight: 1 within three standard errors if the logged propensities are right; None for paired tasks.
    """

    task_type: str
    metric: str
    value: Estimate
    reference: Estimate | None
    difference: Estimate | None
    basis: Basis
    n: int
    ess: float
    mean_weight: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorRow:
    """One estimator's word on one metric at one task type.

    Attributes:
        task_type: Task type.
        metric: As in `EvaluationRow`.
        estimator: Its name.
        value: Its value of the config; the intervals of clipped, switched and shrunken ones leave out their bias.
        clipped_share: Share of the decisions whose weight it cut, or left to its model; None where it cuts none.
    """

    task_type: str
    metric: str
    estimator: str
    value: Estimate
    clipped_share: float | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Estimators(Result):
    """Every estimator beside the one that answers: where they part, the answer rests on an assumption."""

    title: ClassVar[str] = "Off-policy estimators"
    columns: ClassVar[tuple[str, ...]] = tuple(EstimatorRow.__dataclass_fields__)

    rows: tuple[EstimatorRow, ...]

    def summary(self) -> str:
        """How far apart they are, at worst, in standard errors of the answer."""
        if not self.rows:
            return "Every task type was valued on paired tasks, which need no weights."
        worst, where = max((self._gap(key), key) for key in {(r.task_type, r.metric) for r in self.rows})
        task_type, metric = where
        return f"No estimator lies further than {worst:.1f} half-widths from the answer ({metric} of {task_type})."

    def records(self) -> list[dict[str, Value]]:
        """One mapping an estimator."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Each estimator's value of net benefit, by task type."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        shown = [r for r in self.rows if r.metric == "net_benefit"] or list(self.rows)
        return forest(
            [{"task": r.task_type, "estimator": r.estimator, "value": r.value} for r in shown],
            label="estimator",
            estimate="value",
            group="task",
            title="The same value by every estimator",
            ax=ax,
        )

    def _gap(self, key: tuple[str, str]) -> float:
        own = [r.value for r in self.rows if (r.task_type, r.metric) == key]
        reach = (own[0].upper - own[0].lower) / 2
        return max(abs(v.value - own[0].value) for v in own) / reach if reach > 0 else 0.0


@dataclass(frozen=True, kw_only=True, repr=False)
class Evaluation(Result):
    """What a config would have cost and scored on the log's own tasks.

    Attributes:
        estimators: Every estimator and the clipping curve.
        unsupported: Decisions left out because the config may do there what could not have been logged, by task type.
    """

    title: ClassVar[str] = "Value of a config"
    columns: ClassVar[tuple[str, ...]] = tuple(EvaluationRow.__dataclass_fields__)

    rows: tuple[EvaluationRow, ...]
    estimators: Estimators
    unsupported: Mapping[str, int]

    def row(self, metric: str, task_type: str = ALL) -> EvaluationRow:
        """One row.

        Raises:
            InputError: That metric was not measured, or the task type not evaluated.
        """
        for row in self.rows:
            if (row.metric, row.task_type) == (metric, task_type):
                return row
        message = f"no {metric!r} at {task_type!r}"
        raise InputError(
            message, hint=f"there are {', '.join(sorted({f'{r.metric} at {r.task_type}' for r in self.rows}))}"
        )

    def summary(self) -> str:
        """What a task would have brought and cost, against what it is compared with."""
        said = []
        for metric, words in (("net_benefit", "brings"), ("success", "succeeds at"), ("cost", "costs")):
            row = next((r for r in self.rows if (r.metric, r.task_type) == (metric, ALL)), None)
            if row is not None:
                change = "" if row.difference is None else f", {_signed(row.difference)} against the reference"
                said.append(f"{words} {row.value} a task{change}")
        types = len({row.task_type for row in self.rows} - {ALL})
        return f"Over {types} task type{'s' if types != 1 else ''} this config " + "; ".join(said) + "."

    def records(self) -> list[dict[str, Value]]:
        """One mapping a row."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Change in net benefit by task type; where there is no reference, net benefit itself."""
        from bizq_lab.viz import forest  # noqa: PLC0415 - loads matplotlib

        own = [r for r in self.rows if r.metric == "net_benefit"] or [r for r in self.rows if r.metric == "success"]
        compared = [r for r in own if r.difference is not None]
        rows = [{"task": r.task_type, "value": r.difference if compared else r.value} for r in compared or own]
        return forest(
            rows,
            label="task",
            estimate="value",
            reference=0.0 if compared else None,
            better="increase" if compared else "",
            title=f"{'Change in' if compared else 'Value:'} {own[0].metric.replace('_', ' ')} a task under this config",
            ax=ax,
        )


def _signed(difference: Estimate) -> str:
    text = str(difference)
    return text if difference.value < 0 else f"+{text}"
