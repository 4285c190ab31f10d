"""A reduced run of the A/A study through the whole product; `make equal` runs it whole."""

from __future__ import annotations

from tests.calibration.equal_arms import ALPHA, SEED, SETTINGS, batch, batches, keeps, rows
from tests.calibration.rows import Row, markdown


def test_equal_arms_seldom_win_through_router_executor_log_and_comparison() -> None:
    """One round of all settings: failover on the way, and every arm's outcomes in its own name."""
    found = batch(SEED, len(SETTINGS))
    assert sum(n for (_, said), n in found.items() if said != "rescued") == len(SETTINGS)
    assert found["", "rescued"] > 50, "nothing failed over, so this was not the whole product"
    assert not any(said == "invalid" for (_, said), n in found.items() if n), found
    assert all(map(keeps, rows(found))), markdown(rows(found))


def test_the_whole_is_as_many_as_asked_for_each_in_a_world_of_its_own() -> None:
    parts = list(batches(2_000))
    assert sum(size for _, size in parts) == 2_000
    assert len({seed for seed, _ in parts}) == len(parts)
    assert [size for _, size in batches(45)] == [40, 5]


def test_too_many_winners_of_either_kind_would_be_seen() -> None:
    """Held to 129 of 2,000: .05 and three standard errors."""
    name = SETTINGS[0].name
    for false in ("winner", "non_inferior_cheaper"):
        [own, whole] = rows({(name, false): 130, (name, "inconclusive"): 1_870, ("", "rescued"): 9})
        assert (own.hits, own.replications, keeps(own), keeps(whole)) == (130, 2_000, False, False)
    assert keeps(Row("", "", "type I error", ALPHA, 129, 2_000))
