"""What a comparison reads of the log, from one state of it: clusters, ratings, durations, conditions. Tests nothing.

Each is one pass of the log and comes back as sufficient statistics: no row of a decision leaves the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bizq_lab.analysis.contrast import Sample, samples
from bizq_lab.analysis.extent import Conditions, Size, Window, read_conditions, read_size
from bizq_lab.analysis.metrics import METRICS
from bizq_lab.core.decision import Design

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
        clusters: Rows of `clusters.sql`, each with the sums of its ratings.
        levels: Ratings by (segment, arm): how many outcomes had which.
        durations: By arm: (lower edge of the bin in microseconds, outcomes, those that never came) of each bin.
    """

    design: Design
    size: Size
    conditions: Conditions
    clusters: Sequence[Row]
    levels: Mapping[tuple[str, str], Mapping[int, int]]
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

    def samples_rows(self, arms: Iterable[str], *, segment: str | None = None) -> Sequence[Row]:
        """Clusters of some arms, of one segment or over all."""
        own = self.only(arms)
        return _merged(own) if segment is None else [row for row in own if row["segment"] == segment]

    @property
    def group_size(self) -> Size | None:
        """How large the window is, where clusters are random groups."""
        return self.size if self.size.grouped else None

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
        clusters = log.query("clusters", **params, **keys, by_rules=conditions.by_rules)
        ratings = log.query("rating_levels", **params, **keys)
        flags = {"by_arm": True, "by_model": False, "by_workspace": False, "by_day": False, "served": False}
        durations = log.query("durations", **params, **flags, by_rules=conditions.by_rules)
    _add_ratings(clusters, ratings)
    levels: dict[tuple[str, str], dict[int, int]] = {}
    for row in ratings:
        own = levels.setdefault((row["segment"], row["arm"]), {})
        own[row["rating_ppm"]] = own.get(row["rating_ppm"], 0) + row["n"]
    bins: dict[str, list[tuple[int, int, int]]] = {}
    for row in durations:
        bins.setdefault(row["arm"], []).append((row["bin_us"], row["n"], row["unanswered"]))
    return Outcomes(
        design=chosen,
        size=size,
        conditions=conditions.of(design=chosen),
        clusters=clusters,
        levels=levels,
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
