"""Shrunk estimates are nearer to the truth than the raw ones, and cover it on average."""

from __future__ import annotations

import numpy as np
import pytest

from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.stats.shrinkage import between_variance, shrink


def test_shrinking_is_nearer_to_the_truth_and_covers_it() -> None:
    rng, better, covered, total = np.random.default_rng(3), 0, 0, 0
    for _ in range(300):
        truth, ses = rng.normal(0.1, 0.05, size=8), rng.uniform(0.03, 0.1, size=8)
        seen = rng.normal(truth, ses)
        found = shrink(seen.tolist(), ses.tolist())
        drawn = np.array([e.value for e in found])
        better += ((drawn - truth) ** 2).sum() < ((seen - truth) ** 2).sum()
        covered += sum(e.lower <= t <= e.upper for e, t in zip(found, truth, strict=True))
        total += truth.size
    assert better / 300 > 0.8
    assert covered / total > 0.85  # tau is estimated from eight values; the method's known price


def test_equal_estimates_have_no_variance_between_them_and_collapse() -> None:
    assert between_variance([0.2, 0.2, 0.2], [0.1, 0.2, 0.3]) == 0.0
    assert [e.value for e in shrink([0.2, 0.2], [0.1, 0.3])] == pytest.approx([0.2, 0.2])


def test_a_dersimonian_laird_estimate_agrees_with_statsmodels() -> None:
    meta = pytest.importorskip("statsmodels.stats.meta_analysis", reason="statsmodels is not installed")
    values, ses = np.array([0.1, 0.3, 0.35, 0.65]), np.array([0.1, 0.15, 0.1, 0.2])
    combined = meta.combine_effects(values, ses**2, method_re="dl")
    assert between_variance(values, ses) == pytest.approx(combined.tau2)


def test_what_has_no_error_cannot_be_shrunk() -> None:
    with pytest.raises(InputError, match="ses"):
        shrink([0.1, 0.2], [0.0, 0.1])
    with pytest.raises(NotEnoughData):
        shrink([0.1], [0.1])
