"""Whatever is handed in, the answer is an honest one or one of our errors: no NaN, no foreign exception."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import BizqLabError
from bizq_lab.stats import CrossMoments, Moments
from bizq_lab.stats.adjust import cuped_difference
from bizq_lab.stats.bounded import empirical_bernstein
from bizq_lab.stats.clusters import ClusterSums, cluster_difference, cluster_mean
from bizq_lab.stats.importance import Logged
from bizq_lab.stats.many_arms import dunnett
from bizq_lab.stats.means import mean, welch_difference
from bizq_lab.stats.off_policy import ips, snips
from bizq_lab.stats.ordinal import brunner_munzel
from bizq_lab.stats.ratios import ratio, ratio_difference, ratio_of_means
from bizq_lab.stats.survival import LifeTable, log_rank, restricted_mean, restricted_mean_difference, survival_quantile

EXTREME: tuple[list[float], ...] = ([1e300, -1e300], [1e-200, 2e-200, 3e-200], [1e15, 1e15 + 1])
SAMPLES: tuple[list[float], ...] = (
    *([], [0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0, 0.0, 1.0], [0.1] * 5, [-1.0, 1.0]),
    *EXTREME,
)
_of = Moments.from_values


def _clusters(values: list[float], first: int) -> ClusterSums:
    return ClusterSums.from_values(first + np.arange(len(values)), values)


def _life(values: list[float]) -> LifeTable:
    return LifeTable.of(np.abs(values))


PROCEDURES: dict[str, Callable[[list[float], list[float]], Any]] = {
    "mean": lambda x, _: mean(_of(x)),
    "Welch": lambda x, y: welch_difference(_of(x), _of(y)),
    "Fieller": lambda x, y: ratio_of_means(_of(x), _of(y)),
    "log ratio": lambda x, y: ratio_of_means(_of(x), _of(y), method="log"),
    "ratio": lambda x, y: ratio(CrossMoments.from_values(x, y)),
    "ratio difference": lambda x, y: ratio_difference(CrossMoments.from_values(x, y), CrossMoments.from_values(y, x)),
    "CUPED": lambda x, y: cuped_difference(CrossMoments.from_values(x, y), CrossMoments.from_values(y, x)),
    "Brunner-Munzel": brunner_munzel,
    "Dunnett": lambda x, y: dunnett([_of(x)], _of(y))[0],
    "cluster mean": lambda x, _: cluster_mean(_clusters(x, 0)),
    "crossed clusters": lambda x, y: cluster_difference(_clusters(x, 0), _clusters(y, 0)),
    "separate clusters": lambda x, y: cluster_difference(_clusters(x, 0), _clusters(y, 100)),
    "bounded": lambda x, _: empirical_bernstein(x),
    "restricted mean": lambda x, _: restricted_mean(_life(x), 1.0),
    "restricted means": lambda x, y: restricted_mean_difference(_life(x), _life(y), 2.0),
    "median": lambda x, _: survival_quantile(_life(x), 0.5),
    "log-rank": lambda x, y: log_rank(_life(x), _life(y)),
    "IPS": lambda x, y: ips(Logged.of(x, [1e-9] * len(x), [1.0] * len(y))),
    "SNIPS": lambda x, y: snips(Logged.of(x, [0.5] * len(x), [1.0] * len(y))),
}


@pytest.mark.parametrize("name", PROCEDURES)
def test_every_answer_is_a_number_with_an_interval_or_a_refusal(name: str) -> None:
    for x, y in product(SAMPLES, SAMPLES):
        try:
            answer = PROCEDURES[name](x, y)
        except BizqLabError:
            continue
        estimate = operator.attrgetter("estimate")(answer) if hasattr(answer, "estimate") else answer
        assert isinstance(estimate, Estimate)
        assert not math.isnan(estimate.value)
        if not (x in EXTREME or y in EXTREME):  # there the width drowns in rounding
            assert estimate.lower < estimate.upper
