"""A service routes by the file alone: with pydantic and nothing else, across every change of the file."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from bizq_lab.config import ExperimentSpec, Reader, RoutingConfig, assigned, save_config
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InvalidRoutingConfig, OfflineConfig
from bizq_lab.routing import AITaskRouter
from tests.support.lab_cli import ROOT
from tests.support.targets import CATALOG, TYPE, routing

# What pydantic itself needs; everything else that is installed is hidden.
ALLOWED = {"pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection", "bizq_lab"}
HIDDEN = sorted(set(packages_distributions()) - ALLOWED - {"_distutils_hack"})  # the interpreter's own start loads it
ALONE = """
import json, sys
hidden = set(json.loads(sys.argv[1]))
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in hidden:
            raise ImportError(name + " is hidden")
sys.meta_path.insert(0, Hide())
from bizq_lab.config import Reader
got = Reader(sys.argv[2]).pick("content.create_social_post", "ws_1")
loaded = {name.split(".")[0] for name in sys.modules}
print(json.dumps([got.arm, got.spec.model, sorted(loaded & hidden)]))
"""


class Ticks:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A published config."""
    return save_config(routing(), tmp_path / "routing.json")


def replaced(path: Path, **weights: int) -> RoutingConfig:
    """Publish other weights."""
    config = routing().with_weights(TYPE, weights)
    save_config(config, path)
    return config


def test_the_reader_works_where_nothing_but_pydantic_is_installed(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ALONE, json.dumps(HIDDEN), str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert {"pandas", "duckdb", "scipy", "numpy"} <= set(HIDDEN)
    arm, model, heavy = json.loads(done.stdout)
    assert heavy == []
    expected = assigned(routing(), TYPE, "ws_1")
    assert expected.spec is not None
    assert (arm, model) == (expected.arm, expected.spec.model)


def test_the_reader_assigns_as_the_router_does(path: Path) -> None:
    experiment = ExperimentSpec(
        id="e1", task_type=TYPE, weights={"luna": 50, "terra": 50}, namespace="n", buckets=(0, 4_000)
    )
    config = routing(experiments=(experiment,))
    save_config(config, path)
    reader, router = Reader(path), AITaskRouter(CATALOG, config)
    for number in range(400):
        unit = f"ws_{number}"
        ours = reader.pick(TYPE, unit)
        theirs = router.route_task(
            Task(type=TYPE, input={"topic": "autumn", "platform": "x"}), RoutingContext(workspace_id=unit)
        )
        assert (ours.arm, ours.policy, ours.unit, ours.experiment) == (
            theirs.arm, theirs.policy, theirs.unit, theirs.experiment,
        )  # fmt: skip
        assert ours.propensity == pytest.approx(theirs.propensity)
        assert ours.config_hash == theirs.config_hash


def test_a_new_file_comes_into_force_at_the_next_look_and_not_before(path: Path) -> None:
    clock = Ticks()
    reader = Reader(path, poll_s=5.0, monotonic=clock)
    later = replaced(path, haiku=100)
    assert reader.pick(TYPE, "ws_1").config_hash == routing().hash
    clock.now = 5.0
    assert reader.pick(TYPE, "ws_1") == assigned(later, TYPE, "ws_1")
    assert reader.config == later
    assert not reader.refresh()


@pytest.mark.parametrize(
    "broken", [b"", b"{", b'{"schema_version": 1}', None], ids=["empty", "torn", "foreign", "gone"]
)
def test_a_bad_file_leaves_the_last_good_config_in_force_and_says_so(
    path: Path, broken: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    problems: list[str] = []
    reader = Reader(path, poll_s=0.0, on_problem=problems.append)
    before = reader.pick(TYPE, "ws_1")
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken)
    for _ in range(3):
        assert reader.pick(TYPE, "ws_1") == before
    assert "stays in force" in reader.problem
    assert problems == [reader.problem], "each problem is told once"
    assert "stays in force" in caplog.text
    later = replaced(path, terra=100)
    assert reader.pick(TYPE, "ws_1").arm == "terra"
    assert (reader.problem, reader.config) == ("", later)


def test_a_flipped_byte_in_a_new_file_is_never_routed_by(path: Path) -> None:
    reader = Reader(path, poll_s=0.0)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b'"luna": 62') + 8] ^= 1
    path.write_bytes(bytes(raw))
    reader.refresh()
    assert reader.config == routing()
    assert "checksum" in reader.problem


def test_a_service_does_not_start_on_a_bad_or_offline_file(path: Path) -> None:
    save_config(routing(purpose="offline"), path)
    with pytest.raises(OfflineConfig):
        Reader(path)
    assert Reader(path, allow_offline=True).config.purpose == "offline"
    path.write_bytes(b"{")
    with pytest.raises(InvalidRoutingConfig):
        Reader(path)


def test_what_the_config_leaves_open_is_the_service_s_own_choice(path: Path) -> None:
    got = Reader(path).pick("analytics.generate_report", "ws_1")
    assert (got.arm, got.spec, got.policy, got.propensity) == ("default", None, "rules", 1.0)


def test_threads_share_a_reader_while_the_file_changes(path: Path) -> None:
    reader = Reader(path, poll_s=0.0)
    hashes = {routing().hash, replaced(path, haiku=100).hash, replaced(path, terra=100).hash}

    def work(number: int) -> set[str]:
        seen = set()
        for turn in range(60):
            if number == 0:
                replaced(path, **({"haiku": 100} if turn % 2 else {"terra": 100}))
            seen.add(reader.pick(TYPE, f"ws_{number}").config_hash)
        return seen

    with ThreadPoolExecutor(4) as pool:
        assert set().union(*pool.map(work, range(4))) <= hashes
    assert reader.problem == ""
