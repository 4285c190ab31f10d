"""Tuning against a known truth, reduced: `make months` runs it whole."""

from __future__ import annotations

import pytest

from tests.calibration.months import FRUGAL, LEAST_SHARE, Month, promises, run, table


def test_what_is_proposed_earns_nearly_the_optimum_within_its_budget() -> None:
    found = run(2, frugal=FRUGAL)
    share = sum(m.proposed_usd for m in found) / sum(m.best_usd for m in found)
    assert LEAST_SHARE - 0.02 < share <= 1.0 + 1e-9
    for month in found:
        assert month.budget_usd is not None
        assert month.spent_usd <= month.budget_usd
        assert month.proposed_usd > month.baselines_usd["equal split"]
        assert month.proposed_usd > month.baselines_usd["cheapest first"]
    told = "\n".join(table(found, "reduced"))
    assert all(f"gain over {name}" in told for name in found[0].baselines_usd)


def _month(gain_usd: float, *, overspent: bool) -> Month:
    return Month(
        proposed_usd=99.0,
        best_usd=100.0,
        spent_usd=9.0,
        budget_usd=10.0,
        baselines_usd={"best first": 99.0 - gain_usd},
        overspent=frozenset({"best first"} if overspent else ()),
    )


@pytest.mark.parametrize(
    ("gain_usd", "overspent", "kept"), [(5.0, False, True), (-0.5, False, False), (-0.5, True, True)]
)
def test_a_way_that_breaks_the_budget_is_no_rival(gain_usd: float, *, overspent: bool, kept: bool) -> None:
    months = [_month(gain_usd + noise, overspent=overspent) for noise in (0.0, 0.1, -0.1)]
    assert promises(months) is kept
    said = table(months, "")[-1]
    assert ("breaks the budget" in said) is overspent
