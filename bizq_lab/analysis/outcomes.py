"""What a comparison reads of the log, from one state of it: clusters, ratings, durations, conditions. Tests nothing.

Each is one pass of the log and comes back as sufficient statistics: no row of a decision leaves the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bizq_lab.analysis.clusters import Clusters, read_clusters
from bizq_lab.analysis.contrast import Sample
from bizq_lab.analysis.durations import read_durations
from bizq_lab.analysis.extent import Conditions, Size, Window, read_conditions, read_size
from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.core.decision import HUMAN, Design
from bizq_lab.stats.histogram import Histogram
from bizq_lab.stats.ordinal import LevelCounts

if TYPE_CHECKING:
    from bizq_lab.store import Log

Row = Mapping[str, Any]
_DESIGNS: tuple[Design, ...] = ("paired", "randomised", "observational")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """One design's outcomes of one task type.

    Attributes:
        design: How the arms were assigned.
        size: How large the window is.
        conditions: Under which conditions the outcomes arose.
        clusters: Sums by cluster, of the arms that were assigned.
        taken_over: Likewise, of the people who took over.
        ratings: Rows of `rating_levels.sql`.
        durations: By arm, how long its outcomes took.
    """

    design: Design
    size: Size
    conditions: Conditions
    clusters: Clusters
    taken_over: Clusters
    ratings: Sequence[Row]
    durations: Mapping[str, Histogram]

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms with outcomes, by name."""
        return self.clusters.arms

    def samples(self, arms: Iterable[str], *, segment: str | None = None) -> dict[str, dict[str, Sample]]:
        """By metric and arm; of one segment, or of all."""
        own = self.clusters.of_arms(arms)
        own = own.over_segments() if segment is None else own.of(segment=segment)
        return {name: own.samples(metric) for name, metric in METRICS.items()}

    def people(self, metric: Metric) -> Sample | None:
        """What the people did who took over; None where it was not measured, or nobody did."""
        return self.taken_over.over_segments().samples(metric).get(HUMAN)

    def levels(self, arm: str, segment: str) -> Mapping[int, int]:
        """How many of one arm's outcomes of a segment got which rating, in millionths."""
        found: dict[int, int] = {}
        for row in self.ratings:
            if (row["arm"], row["segment"]) == (arm, segment):
                found[row["rating_ppm"]] = found.get(row["rating_ppm"], 0) + row["n"]
        return found

    def rated(self, arm: str) -> LevelCounts:
        """One arm's ratings by cluster and the levels that were given."""
        found: dict[tuple[str, int], int] = {}
        for row in self.ratings:
            if row["arm"] == arm:
                key = f"#{row['bucket']}" if self.size.grouped else row["cluster"], row["rating_ppm"]
                found[key] = found.get(key, 0) + row["n"]
        return LevelCounts(
            np.array([cluster for cluster, _ in found], dtype=np.str_),
            np.array([ppm for _, ppm in found], dtype=np.float64) / METRICS["rating"].per_unit,
            np.array(list(found.values()), dtype=np.float64),
        )


def read_outcomes(log: Log, window: Window, *, design: Design | None, by_segment: bool) -> Outcomes:
    """Read what a comparison of one task type needs.

    Args:
        log: The log.
        window: Which part of it; it names a task type.
        design: By default the first of paired, randomised and observational in which two arms have outcomes.
        by_segment: Tell segments apart.
    """
    with log.held():
        size = read_size(log, window)
        conditions = read_conditions(log, window, size, by_setup=True)
        chosen = design or _design(conditions)
        by_rules = chosen == "observational" and conditions.by_rules
        ratings = log.query(
            "rating_levels", **window.params(), design=chosen, by_segment=by_segment, grouped=size.grouped
        )
        clusters = read_clusters(
            log,
            window,
            design=chosen,
            by_rules=by_rules,
            people=size.people,
            by_segment=by_segment,
            size=size if size.grouped else None,
            ratings=ratings,
        )
        flags = {"by_arm": True, "by_model": False, "by_workspace": False, "by_day": False, "served": False}
        durations = read_durations(log, window, **flags, by_rules=by_rules, design=chosen, conditions=conditions)
    return Outcomes(
        design=chosen,
        size=size,
        conditions=conditions.of(design=chosen),
        clusters=clusters.of_arms(clusters.names - {HUMAN}),
        taken_over=clusters.of_arms([HUMAN]),
        ratings=ratings,
        durations={arm: histogram for (_, arm, *_), histogram in durations.items()},
    )


def _design(conditions: Conditions) -> Design:
    for design in _DESIGNS:
        if len(conditions.of(design=design).with_outcomes().arms) > 1:
            return design
    return "observational"
