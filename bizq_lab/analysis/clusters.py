"""What each arm did on each task, or to each assignment unit, as columns of sums. Tests nothing.

Columns, not rows: a comparison touches every cluster once for each metric, and arrays do that faster than a Python
object for each of their numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bizq_lab.analysis.codes import coded
from bizq_lab.analysis.contrast import Sample
from bizq_lab.analysis.extent import Size, Window
from bizq_lab.analysis.metrics import Metric
from bizq_lab.core.decision import Design

if TYPE_CHECKING:
    from bizq_lab.store import Log

_KEY = ("task_type", "segment", "arm", "cluster", "bucket")
_SUMS = (
    "decisions", "n", "success", "quality_n", "quality", "cost_n", "cost", "latency_n", "latency", "rating_n", "rating",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Clusters:
    """A row for each task type, segment, arm and cluster, in that order.

    Attributes:
        columns: Arrays of shape (rows,) by their names in `clusters.sql`, and `rating_n` and `rating` likewise. A
            cluster is a number, the same in every arm.
        size: How large the window is, where the clusters are random groups of units; None where they are the units.
    """

    columns: Mapping[str, NDArray[Any]]
    size: Size | None = None

    @property
    def names(self) -> frozenset[str]:
        """All arms, with outcomes or without."""
        return frozenset(self._rows)

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms with outcomes, by name."""
        return self._values("arm")

    @property
    def segments(self) -> tuple[str, ...]:
        """Segments with outcomes, by name."""
        return self._values("segment")

    def of(self, **wanted: str) -> Clusters:
        """Only rows with these values, such as `segment="premium"`."""
        return self._where(np.all([self.columns[name] == value for name, value in wanted.items()], axis=0))

    def of_arms(self, arms: Iterable[str]) -> Clusters:
        """Only rows of these arms."""
        wanted = self.names & set(arms)
        if wanted == self.names:
            return self
        rows = np.zeros(self.columns["n"].size, dtype=np.bool_)
        for arm in wanted:
            rows[self._rows[arm]] = True
        return self._where(rows)

    def total(self, column: str) -> int:
        """Sum over all rows."""
        return int(self.columns[column].sum())

    def over_segments(self) -> Clusters:
        """One row for each arm and cluster of a task type, whatever the segment."""
        if len(set(self.columns["segment"])) <= 1:
            return self
        arms, arm = coded(self.columns["arm"].tolist())
        keys = np.stack([arm, self.columns["cluster"]])
        (arm, cluster), row = np.unique(keys, axis=1, return_inverse=True)
        first_us = np.full(arm.size, np.iinfo(np.int64).max)
        np.minimum.at(first_us, row, self.columns["first_us"])
        merged = {
            "arm": np.array(arms, dtype=np.object_)[arm],
            "segment": np.full(arm.size, "", dtype=np.object_),
            "cluster": cluster,
        }
        merged["first_us"] = first_us
        for name in _SUMS:
            merged[name] = np.zeros(arm.size, dtype=np.int64)
            np.add.at(merged[name], row, self.columns[name])
        return Clusters(merged, self.size)

    def samples(self, metric: Metric) -> dict[str, Sample]:
        """One metric by arm: of the clusters that have it, each once."""
        ids, counts = self.columns["cluster"], self.columns[metric.count]
        totals = self.columns[metric.total] / metric.per_unit
        found = {}
        for arm, rows in self._rows.items():
            own = rows[counts[rows] > 0]
            if own.size:
                found[arm] = Sample(ids[own], counts[own].astype(np.float64), totals[own], self.size)
        return found

    def first_exposures(self) -> dict[str, int]:
        """By arm, how many clusters it was the first that they saw."""
        arms, arm = sorted(self._rows), np.zeros(self.columns["n"].size, dtype=np.intp)
        for code, name in enumerate(arms):
            arm[self._rows[name]] = code
        order = np.lexsort((arm, self.columns["first_us"], self.columns["cluster"]))
        _, first = np.unique(self.columns["cluster"][order], return_index=True)
        return dict(zip(arms, np.bincount(arm[order[first]], minlength=len(arms)).tolist(), strict=True))

    @cached_property
    def _rows(self) -> dict[str, NDArray[np.intp]]:
        """Rows of each arm, by name."""
        arms, arm = coded(self.columns["arm"].tolist())
        return {name: np.flatnonzero(arm == at) for at, name in enumerate(arms)}

    def _values(self, column: str) -> tuple[str, ...]:
        return tuple(sorted(set(self.columns[column][self.columns["n"] > 0])))

    def _where(self, rows: NDArray[np.bool_]) -> Clusters:
        return Clusters({name: values[rows] for name, values in self.columns.items()}, self.size)


def read_clusters(
    log: Log,
    window: Window,
    *,
    design: Design,
    by_rules: bool,
    people: bool,
    by_segment: bool = False,
    size: Size | None = None,
    ratings: Iterable[Mapping[str, Any]] = (),
) -> Clusters:
    """Read the clusters of a design.

    Args:
        log: Where to read.
        window: Which part of it.
        design: How the arms were assigned.
        by_rules: Whether the rules chose somewhere, where the model stands for the arm.
        people: Also what people did with escalated tasks, as the arm `human` (S21).
        by_segment: Tell segments apart.
        size: How large the window is, to read random groups of the clusters instead; None to read each.
        ratings: Rows of `rating_levels.sql`, asked in the same way.
    """
    flags = {"by_rules": by_rules, "people": people, "by_segment": by_segment, "grouped": size is not None}
    columns = log.columns("clusters", **window.params(), design=design, **flags)
    sums: dict[tuple[Any, ...], tuple[int, int]] = {}
    for row in ratings:
        key = tuple(row[name] for name in _KEY)
        n, total = sums.get(key, (0, 0))
        sums[key] = n + row["n"], total + row["n"] * row["rating_ppm"]
    rated = np.zeros((2, columns["n"].size), dtype=np.int64)
    if sums:
        keys = zip(*(columns[name].tolist() for name in _KEY), strict=True)
        rated = np.array([sums.get(key, (0, 0)) for key in keys], dtype=np.int64).reshape(-1, 2).T
    _, cluster = coded(columns["cluster"].tolist()) if size is None else ([], columns["bucket"])
    return Clusters({**columns, "cluster": cluster, "rating_n": rated[0], "rating": rated[1]}, size)
