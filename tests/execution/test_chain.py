"""Who may follow whom: permissions of the workspace, rules of the error table, and no repeats."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.catalog import load_catalog
from bizq_lab.core.task import RoutingContext
from bizq_lab.execution.chain import followers, permitted_chain, specification_chain
from tests.support.execution import CATALOG, TinyCatalog, config

KEYS = sorted(TinyCatalog.models)


def context(**changes: Any) -> RoutingContext:
    consistency = changes.pop("requires_consistency", False)
    return RoutingContext.model_validate(
        {"workspace_id": "w", "requires_consistency": consistency, "workspace_preferences": changes or None}
    )


@given(
    st.sampled_from(KEYS),
    st.lists(st.sampled_from(KEYS), max_size=8),
    st.fixed_dictionaries(
        {
            "allow_remote_failover": st.booleans(),
            "requires_consistency": st.booleans(),
            "residency": st.sampled_from(["any", "local"]),
            "allow_failover_when_consistent": st.booleans(),
        }
    ),
)
def test_a_chain_is_permitted_unique_and_starts_with_its_primary(
    primary: str, rest: list[str], wishes: dict[str, Any]
) -> None:
    keys = [one.key for one in permitted_chain(config(primary), map(config, rest), context(**wishes), CATALOG)]
    assert keys[0] == primary
    assert len(set(keys)) == len(keys)
    if wishes["residency"] == "local" or (primary.startswith("local/") and not wishes["allow_remote_failover"]):
        assert all(key.startswith("local/") for key in keys[1:])
    if wishes["requires_consistency"] and not wishes["allow_failover_when_consistent"]:
        assert all(key.partition("/")[2] == primary.partition("/")[2] for key in keys)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("none", []),
        ("any", ["openai/luna", "anthropic/sonnet", "openai/wide"]),
        ("other_provider", ["anthropic/sonnet"]),
        ("larger_window", ["openai/wide"]),
    ],
)
def test_the_error_table_decides_who_may_follow(rule: Any, expected: list[str]) -> None:
    rest = [config(key) for key in ("openai/luna", "anthropic/sonnet", "openai/wide")]
    assert [one.key for one in followers(rule, config("openai/sol"), rest, CATALOG)] == expected


@pytest.mark.parametrize("primary", [key for key in KEYS if not key.startswith("local/")])
def test_the_specifications_chain_is_another_providers_model_of_the_tier_then_the_cheapest(primary: str) -> None:
    entry, _ = CATALOG.task_type("t")
    chain = specification_chain(config(primary), entry, RoutingContext(workspace_id="w"), CATALOG)
    assert chain[1].provider != chain[0].provider
    assert chain[1].tier == chain[0].tier
    assert {one.max_tokens for one in chain} == {config(primary).max_tokens}
    assert "openai/old" not in [one.key for one in chain[1:]]


def test_a_local_primary_stays_among_local_models() -> None:
    entry, _ = CATALOG.task_type("t")
    chain = specification_chain(config("local/small"), entry, RoutingContext(workspace_id="w"), CATALOG)
    assert [one.key for one in chain] == ["local/small", "local/other"]


def test_a_model_to_be_opted_into_follows_only_where_the_task_type_names_it() -> None:
    catalog = load_catalog("current")
    entry, _ = catalog.task_type("order.process_batch")
    primary = catalog.model_config("local/smollm2-135m", entry)
    workspace = RoutingContext(workspace_id="w")
    assert [one.key for one in specification_chain(primary, entry, workspace, catalog)] == ["local/smollm2-135m"]
    naming = entry.model_copy(update={"models": ("local/smollm2-135m", "local/gemma3-270m")})
    chain = specification_chain(primary, naming, workspace, catalog)
    assert [one.key for one in chain] == ["local/smollm2-135m", "local/gemma3-270m"]
