"""What a comparison reads of the log, from one state of it: clusters, ratings, durations, conditions. Tests nothing.

Each is one pass of the log and comes back as sufficient statistics: no row of a decision leaves the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bizq_lab.analysis.contrast import Sample, samples
from bizq_lab.analysis.extent import Conditions, Size, Window, read_conditions, read_size
from bizq_lab.analysis.metrics import METRICS, Metric
from bizq_lab.core.decision import HUMAN, Design
from bizq_lab.stats.ordinal import LevelCounts

if TYPE_CHECKING:
    from bizq_lab.store import Log

Row = Mapping[str, Any]
_KEY = ("task_type", "segment", "arm", "cluster", "bucket")
_DESIGNS: tuple[Design, ...] = ("paired", "randomised", "observational")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """One design's outcomes of one task type.

    Attributes:
        design: How the arms were assigned.
        size: How large the window is.
        conditions: Under which conditions the outcomes arose.
        clusters: Rows of `clusters.sql`, each with the sums of its ratings; of the arms that were assigned.
        taken_over: Likewise, of the people who took over.
        ratings: Rows of `rating_levels.sql`.
        durations: By arm: (lower edge of the bin in microseconds, outcomes, those that never came) of each bin.
    """

    design: Design
    size: Size
    conditions: Conditions
    clusters: Sequence[Row]
    taken_over: Sequence[Row]
    ratings: Sequence[Row]
    durations: Mapping[str, Sequence[tuple[int, int, int]]]

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms with outcomes, by name."""
        return tuple(sorted({row["arm"] for row in self.clusters if row["n"]}))

    def only(self, arms: Iterable[str]) -> Sequence[Row]:
        """Clusters of some arms."""
        wanted = set(arms)
        return [row for row in self.clusters if row["arm"] in wanted]

    def samples(self, arms: Iterable[str], *, segment: str | None = None) -> dict[str, dict[str, Sample]]:
        """By metric and arm; of one segment, or of all."""
        rows = self.samples_rows(arms, segment=segment)
        return {name: samples(rows, metric, self.group_size) for name, metric in METRICS.items()}

    def people(self, metric: Metric) -> Sample | None:
        """What the people did who took over; None where it was not measured, or nobody did."""
        return samples(_merged(self.taken_over), metric, self.group_size).get(HUMAN)

    def samples_rows(self, arms: Iterable[str], *, segment: str | None = None) -> Sequence[Row]:
        """Clusters of some arms, of one segment or over all."""
        own = self.only(arms)
        return _merged(own) if segment is None else [row for row in own if row["segment"] == segment]

    @property
    def group_size(self) -> Size | None:
        """How large the window is, where clusters are random groups."""
        return self.size if self.size.grouped else None

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

    def segments(self, arms: Iterable[str]) -> tuple[str, ...]:
        """Segments of some arms, by name."""
        return tuple(sorted({row["segment"] for row in self.only(arms) if row["n"]}))


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
        conditions = read_conditions(log, window, size)
        chosen = design or _design(conditions)
        params = {**window.params(), "design": chosen}
        keys = {"by_segment": by_segment, "grouped": size.grouped}
        by_rules = chosen == "observational" and conditions.by_rules
        clusters = log.query("clusters", **params, **keys, by_rules=by_rules, people=size.people)
        ratings = log.query("rating_levels", **params, **keys)
        flags = {"by_arm": True, "by_model": False, "by_workspace": False, "by_day": False, "served": False}
        durations = log.query("durations", **params, **flags, by_rules=by_rules)
    _add_ratings(clusters, ratings)
    bins: dict[str, list[tuple[int, int, int]]] = {}
    for row in durations:
        bins.setdefault(row["arm"], []).append((row["bin_us"], row["n"], row["unanswered"]))
    return Outcomes(
        design=chosen,
        size=size,
        conditions=conditions.of(design=chosen),
        clusters=[row for row in clusters if row["arm"] != HUMAN],
        taken_over=[row for row in clusters if row["arm"] == HUMAN],
        ratings=ratings,
        durations=bins,
    )


def _design(conditions: Conditions) -> Design:
    for design in _DESIGNS:
        if len(conditions.of(design=design).with_outcomes().arms) > 1:
            return design
    return "observational"


def _add_ratings(clusters: Iterable[dict[str, Any]], ratings: Iterable[Row]) -> None:
    sums: dict[tuple[Any, ...], tuple[int, int]] = {}
    for row in ratings:
        key = tuple(row[name] for name in _KEY)
        n, total = sums.get(key, (0, 0))
        sums[key] = n + row["n"], total + row["n"] * row["rating_ppm"]
    for row in clusters:
        row["rating_n"], row["rating"] = sums.get(tuple(row[name] for name in _KEY), (0, 0)) if sums else (0, 0)


def _merged(rows: Sequence[Row]) -> Sequence[Row]:
    """Clusters over all segments."""
    if len({row["segment"] for row in rows}) <= 1:
        return rows
    whole: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = (row["arm"], row["cluster"], row["bucket"])
        if key not in whole:
            whole[key] = dict(row)
            continue
        own = whole[key]
        for name in own.keys() - {*_KEY, "first_us"}:
            own[name] += row[name]
        own["first_us"] = min(own["first_us"], row["first_us"])
    return list(whole.values())
