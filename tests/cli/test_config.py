"""`bizq-lab export|import-config|sign|diff|verify`: files in, files out, and what is lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from bizq_lab.config import load_config, save_config
from bizq_lab.tuning.limits import EXPLORATION_FLOOR
from tests.support.keys import PRIVATE, PUBLIC, pair
from tests.support.lab_cli import Cli
from tests.support.targets import TYPE, routing

DAY = ("--as-of", "2026-11-01")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A published config, and keys beside it."""
    (tmp_path / "key.pem").write_bytes(PRIVATE)
    (tmp_path / "key.pub").write_bytes(PUBLIC)
    return save_config(routing(), tmp_path / "routing.json")


def test_a_gateway_s_file_is_written_and_what_it_cannot_say_is_printed(cli: Cli, published: Path) -> None:
    said = cli("export", "--target", "litellm", published, "--out", "config.yaml", "--json", *DAY)
    assert said.code == 0, said.err
    assert {loss["code"] for loss in said.document["losses"]} == {"sticky", "propensity", "rules", "price"}
    assert "not expressed: sticky" in said.err
    assert Path("config.yaml").read_text(encoding="utf-8").startswith("# Made by bizq_lab")


def test_what_was_exported_can_be_imported(cli: Cli, published: Path) -> None:
    cli("export", "--target", "tensorzero", published, "--out", "t.toml", *DAY)
    said = cli("import-config", "t.toml", "--from", "tensorzero", "--out", "back.json", "--json", *DAY)
    assert said.code == 0, said.err
    assert load_config("back.json").tasks[TYPE].weights == routing().tasks[TYPE].weights
    assert any("fallback" in item["where"] for item in said.document["not_taken"])


def test_a_signed_config_verifies_with_its_key_and_no_other(cli: Cli, published: Path, tmp_path: Path) -> None:
    assert cli("verify", published, "--key", "key.pub").code == 1
    assert cli("sign", published, "--key", "key.pem").code == 0
    said = cli("verify", published, "--key", "key.pub", "--json")
    assert (said.code, len(said.document["signed_with"])) == (0, 16)
    (tmp_path / "other.pub").write_bytes(pair(2)[1])
    refused = cli("verify", published, "--key", "other.pub")
    assert (refused.code, "signed with key" in refused.err) == (1, True)
    assert cli("sign", published, "--key", "nowhere.pem").code == 4
    assert cli("sign", published, "--key", "key.pub").code == 2


def test_two_configs_are_compared_in_words(cli: Cli, published: Path) -> None:
    save_config(routing().with_weights(TYPE, {"luna": 100}), "next.json")
    said = cli("diff", published, "next.json")
    assert "luna 62 % -> 100 %" in said.out
    assert cli("diff", published, published).out == "no difference\n"
    assert cli("diff", published, "next.json", "--json").document["said"]


def test_a_rollout_of_a_signed_config_signs_each_step(cli: Cli, published: Path) -> None:
    cli("sign", published, "--key", "key.pem")
    before = published.read_bytes()
    start = ("rollout", "start", published, "-t", TYPE, "-a", "luna", "--ramp", "80,100", "--override", "a test")
    refused = cli(*start)
    assert (refused.code, "--key" in refused.err) == (2, True)
    assert cli(*start, "--key", "key.pem").code == 0
    assert cli("verify", published, "--key", "key.pub").code == 0
    assert cli("rollout", "promote", published, "--reason", "x", "--key", "key.pem").code == 0
    assert cli("verify", published, "--key", "key.pub").code == 0
    assert cli("rollout", "rollback", published, "--reason", "x").code == 0
    assert published.read_bytes() == before


def test_the_help_of_tune_tells_the_floor_that_holds(cli: Cli) -> None:
    """The figure stands there in words, so that `--help` need not load what computes weights."""
    assert f"[default: ({EXPLORATION_FLOOR})" in " ".join(cli("tune", "--help").out.split())
