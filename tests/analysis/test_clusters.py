"""Columns of clusters say what a loop over the rows would say."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.analysis.clusters import Clusters, read_clusters
from bizq_lab.analysis.extent import Window
from bizq_lab.analysis.metrics import METRICS

Row = dict[str, Any]
LEVELS = (
    {"task_type": "t", "segment": "s", "arm": "b", "cluster": "u1", "bucket": 0, "rating_ppm": 4_000_000, "n": 3},
)
SUMS = ("decisions", "n", "success", "quality_n", "quality", "cost_n", "cost", "latency_n", "latency")


class OneAnswer:
    """A log that has one answer, as arrays."""

    def __init__(self, rows: list[Row]) -> None:
        """Keep the rows."""
        self.rows = rows

    def columns(self, name: str, **_: object) -> dict[str, Any]:
        """The answer, whatever is asked."""
        assert name == "clusters"
        texts, numbers = ("task_type", "segment", "arm", "cluster"), ("bucket", *SUMS, "first_us")
        return {
            **{column: np.array([row[column] for row in self.rows], dtype=np.object_) for column in texts},
            **{column: np.array([row[column] for row in self.rows], dtype=np.int64) for column in numbers},
        }


def clusters_of(rows: list[Row], *, ratings: tuple[Row, ...] = ()) -> Clusters:
    log: Any = OneAnswer(rows)
    return read_clusters(log, Window(), design="paired", by_rules=False, people=False, ratings=ratings)


keys = st.tuples(st.sampled_from("st"), st.sampled_from("abc"), st.sampled_from(["u1", "u2", "u10", "ü"]))
sums = st.fixed_dictionaries({name: st.integers(0, 10**12) for name in SUMS} | {"first_us": st.integers(0, 3)})


@st.composite
def tables(draw: st.DrawFn) -> list[Row]:
    found = draw(st.dictionaries(keys, sums, max_size=24))
    return [
        {"task_type": "t", "segment": segment, "arm": arm, "cluster": cluster, "bucket": 0, **own}
        for (segment, arm, cluster), own in sorted(found.items())
    ]


@given(tables(), st.sampled_from(["success", "quality", "cost", "latency"]))
def test_a_sample_holds_each_cluster_that_has_the_metric_once(rows: list[Row], name: str) -> None:
    metric = METRICS[name]
    expected: dict[str, dict[str, tuple[int, int]]] = defaultdict(lambda: defaultdict(lambda: (0, 0)))
    for row in rows:
        n, total = expected[row["arm"]][row["cluster"]]
        expected[row["arm"]][row["cluster"]] = n + row[metric.count], total + row[metric.total]
    names = list(dict.fromkeys(row["cluster"] for row in rows))
    found = clusters_of(rows).over_segments().samples(metric)
    assert {
        arm: {names[at]: (n, total) for at, n, total in zip(own.ids, own.n.tolist(), own.total.tolist(), strict=True)}
        for arm, own in found.items()
    } == {
        arm: {cluster: (n, pytest.approx(total / metric.per_unit)) for cluster, (n, total) in own.items() if n}
        for arm, own in expected.items()
        if any(n for n, _ in own.values())
    }


@given(tables())
def test_a_cluster_belongs_to_the_arm_that_it_saw_first(rows: list[Row]) -> None:
    first: dict[str, tuple[int, str]] = {}
    for row in rows:
        seen = row["first_us"], row["arm"]
        first[row["cluster"]] = min(first.get(row["cluster"], seen), seen)
    expected = Counter(arm for _, arm in first.values())
    assert {arm: n for arm, n in clusters_of(rows).first_exposures().items() if n} == expected


@given(tables(), st.sampled_from("abc"))
def test_arms_and_segments_are_told_apart(rows: list[Row], arm: str) -> None:
    own = clusters_of(rows).of_arms([arm])
    assert own.names == {row["arm"] for row in rows if row["arm"] == arm}
    assert own.segments == tuple(sorted({row["segment"] for row in rows if row["arm"] == arm and row["n"]}))
    for segment in own.segments:
        wanted = [row["n"] for row in rows if (row["arm"], row["segment"]) == (arm, segment)]
        assert own.of(segment=segment).total("n") == sum(wanted)


def test_ratings_join_the_cluster_that_they_are_of() -> None:
    nothing = dict.fromkeys(SUMS, 1) | {"first_us": 0, "bucket": 0, "task_type": "t", "segment": "s"}
    rows = [nothing | {"arm": arm, "cluster": cluster} for arm in "ab" for cluster in ("u1", "u2")]
    found = clusters_of(rows, ratings=LEVELS).samples(METRICS["rating"])
    assert {arm: (own.ids.tolist(), own.n.tolist(), own.total.tolist()) for arm, own in found.items()} == {
        "b": ([0], [3.0], [12.0])
    }
