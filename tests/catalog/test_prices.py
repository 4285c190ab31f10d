"""The price book beside `genai-prices`: what differs is found, a refresh is read back, nothing goes online (S4)."""

from __future__ import annotations

import socket
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.catalog import load_catalog
from bizq_lab.catalog.prices import OVERRIDE_MARK, compare_prices, list_models, refresh_prices
from bizq_lab.errors import InputError

DAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        message = "a price comparison opened a socket"
        raise AssertionError(message)

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def override(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, "utf-8")
    return path


def test_s4_the_specifications_prices_differ_where_it_overstated_them() -> None:
    found = compare_prices(load_catalog("classic", as_of=DAY))
    assert {(row.model, row.price) for row in found.differing} == {
        ("openai/gpt-3.5-turbo", "input"),
        ("openai/gpt-3.5-turbo", "output"),
    }
    assert found.unknown == ()


def test_s4_the_models_that_are_not_known_there_are_named() -> None:
    found = compare_prices(load_catalog(as_of=DAY))
    assert found.unknown == ("local/gemma3-270m", "local/smollm2-135m")
    assert all(key in found.summary() for key in found.unknown)
    assert {row["model"] for row in found.to_dicts() if row["status"] == "unknown_there"} == set(found.unknown)


@pytest.mark.parametrize(("price", "differs"), [("30.0000000000004", False), ("30.000001", True), ("29.99", True)])
def test_s4_a_difference_is_one_beyond_rounding(tmp_path: Path, price: str, differs: bool) -> None:  # noqa: FBT001 - pytest passes parameters by name
    mine = override(
        tmp_path,
        f"""[[models]]
provider = "openai"
model = "gpt-4"
prices = [{{ effective_from = 2026-01-01, source = "mine", input = {price}, output = 60.0 }}]
""",
    )
    found = compare_prices(load_catalog("classic", override=mine, as_of=DAY))
    assert ("openai/gpt-4" in {row.model for row in found.differing}) is differs


def test_s4_a_refreshed_file_is_loaded_and_leaves_no_difference(tmp_path: Path) -> None:
    before = load_catalog("classic", as_of=DAY)
    path = tmp_path / "prices.toml"
    assert refresh_prices(before, path).differing
    after = load_catalog("classic", override=path, as_of=DAY)
    assert compare_prices(after).differing == ()
    turbo = after.price("openai/gpt-3.5-turbo")
    assert (turbo.input_nano_usd_per_mtok, turbo.output_nano_usd_per_mtok) == (500_000_000, 1_500_000_000)
    assert (turbo.effective_from, "genai-prices" in turbo.source) == ("2026-11-24", True)
    assert after.price_version != before.price_version
    assert list(tmp_path.iterdir()) == [path]


def test_s4_refreshing_keeps_the_prices_of_the_days_before(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    refresh_prices(load_catalog("classic", as_of=DAY), path)
    earlier = load_catalog("classic", override=path, as_of=date(2025, 1, 1))
    assert earlier.price("openai/gpt-3.5-turbo").input_nano_usd_per_mtok == 2_000_000_000


def test_s4_refreshing_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    refresh_prices(load_catalog(as_of=DAY), path)
    first = path.read_bytes()
    refresh_prices(load_catalog(override=path, as_of=DAY), path)
    assert path.read_bytes() == first


def test_a_file_of_ones_own_is_never_overwritten_with_prices(tmp_path: Path) -> None:
    mine = override(tmp_path, '[[models]]\nprovider = "openai"\nmodel = "gpt-6-luna"\nlimits = { rpm = 10 }\n')
    before = mine.read_bytes()
    with pytest.raises(InputError, match="not a file of prices"):
        refresh_prices(load_catalog(as_of=DAY), mine)
    assert mine.read_bytes() == before
    assert not before.decode().startswith(OVERRIDE_MARK)


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write prices"):
        refresh_prices(load_catalog(as_of=DAY), tmp_path / "missing" / "prices.toml")


def test_s3_the_list_says_what_each_model_costs_since_when_and_what_replaces_it() -> None:
    rows = {row["model"]: row for row in list_models(load_catalog("classic", as_of=DAY)).to_dicts()}
    assert rows["openai/gpt-4"]["retired_on"] == "2026-10-23"
    assert rows["openai/gpt-4"]["replaced_by"] == "openai/gpt-6.1-terra"
    assert (rows["openai/gpt-4"]["input_usd_per_mtok"], rows["openai/gpt-4"]["since"]) == (30.0, "2023-03-14")
    assert "4 of them retired" in list_models(load_catalog("classic", as_of=DAY)).summary()


def test_s4_a_price_not_yet_in_force_is_unknown_and_not_zero() -> None:
    rows = {row["model"]: row for row in list_models(load_catalog(as_of=date(2020, 1, 1))).to_dicts()}
    assert rows["openai/gpt-6-luna"]["input_usd_per_mtok"] is None
    assert rows["openai/gpt-6-luna"]["source"] == "no price in force"
