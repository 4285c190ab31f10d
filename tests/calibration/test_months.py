"""Tuning against a known truth, reduced: `make months` runs it whole."""

from __future__ import annotations

from tests.calibration.months import FRUGAL, LEAST_SHARE, run, table


def test_what_is_proposed_earns_nearly_the_optimum_within_its_budget() -> None:
    found = run(2, frugal=FRUGAL)
    share = sum(m.proposed_usd for m in found) / sum(m.best_usd for m in found)
    assert LEAST_SHARE - 0.02 < share <= 1.0 + 1e-9
    for month in found:
        assert month.budget_usd is not None
        assert month.spent_usd <= month.budget_usd
        assert month.proposed_usd > month.baselines_usd["equal split"]
        assert month.proposed_usd > month.baselines_usd["cheapest first"]
    assert len(table(found, "reduced")) == 6
