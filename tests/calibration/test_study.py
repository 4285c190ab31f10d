"""The study, reduced: our methods keep their promise, and the sketch's do not."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from tests.calibration.rows import Row, markdown
from tests.calibration.samples import many_arms
from tests.calibration.study import SEED, SETTINGS

REDUCED = 60


@lru_cache(maxsize=1)
def _rows() -> tuple[Row, ...]:
    rows: list[Row] = []
    for position, setting in enumerate(SETTINGS):
        rows += setting(np.random.default_rng([SEED, position]), REDUCED // (3 if setting is many_arms else 1))
    return tuple(rows)


def test_our_methods_keep_their_promise_in_every_setting() -> None:
    broken = [row for row in _rows() if row.role == "ours" and not row.keeps_its_promise]
    assert not broken, markdown(broken)


def test_the_sketch_fails_where_it_must() -> None:
    """If these passed, the study could not see a fault."""
    failing = {row.method for row in _rows() if row.role == "sketch" and not row.keeps_its_promise}
    assert failing >= {
        "plain test of independent rows",
        "z test read every day",
        "SRM, nominal weights",
        "pooled arms",
        "mean of finished calls",
        "i % models",
    }


def test_the_table_names_nominal_and_simulated_figures() -> None:
    table = markdown(_rows())
    assert table.count("\n") == len(_rows()) + 1
    assert "**fails** the specification's sketch" in table


@pytest.mark.parametrize(("hits", "kept"), [(95, True), (89, True), (70, False)])
def test_a_promise_is_kept_within_a_point_and_three_standard_errors(hits: int, kept: bool) -> None:  # noqa: FBT001 - a case
    assert Row("", "", "coverage", 0.95, hits, 100).keeps_its_promise is kept
    assert Row("", "", "type I error", 0.05, 100 - hits, 100).keeps_its_promise is kept
