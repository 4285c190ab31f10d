"""Laws of the routing config: what it refuses, what its bytes are, what survives the disk."""

import hashlib
import json
import math
import os
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizq_lab.config import (
    ArmSpec,
    EvidenceRow,
    ExperimentSpec,
    RoutingConfig,
    TaskRouting,
    canonical_bytes,
    diff,
    json_schema,
    load_config,
    parse_config,
    save_config,
)
from bizq_lab.errors import InvalidRoutingConfig

AS_OF = date(2026, 11, 24)
names = st.text(min_size=1, max_size=12).filter(lambda name: name != "default")
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)


def example(**changes: object) -> RoutingConfig:
    fields: dict[str, object] = {
        "catalog": "current",
        "catalog_version": "c1",
        "as_of": AS_OF,
        "arms": {
            "plain": ArmSpec(model="local/a"),
            "worked": ArmSpec(model="local/a", prompt="example", temperature=0.7),
        },
        "tasks": {"work.write": TaskRouting(weights={"plain": 10, "default": 90})},
        "evidence": (
            EvidenceRow(task_type="work.write", arm="plain", metric="success", value=0.5, lower=0.4, upper=0.6),
        ),
    }
    return RoutingConfig.build(**{**fields, **changes})


@st.composite
def configs(draw: st.DrawFn) -> RoutingConfig:
    """Any valid config, with hostile names and awkward numbers."""
    arms = draw(st.dictionaries(names, st.builds(ArmSpec, model=names, temperature=st.none() | st.floats(0, 2))))
    tasks = {}
    for task_type in draw(st.lists(names, unique=True, max_size=3)):
        chosen = draw(st.lists(st.sampled_from([*sorted(arms), "default"]), unique=True, min_size=1, max_size=3))
        cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=len(chosen) - 1, max_size=len(chosen) - 1)))
        shares = [end - start for start, end in zip([0, *cuts], [*cuts, 100], strict=True)]
        tasks[task_type] = TaskRouting(weights=dict(zip(chosen, shares, strict=True)), salt=draw(st.text(max_size=5)))
    row = st.builds(EvidenceRow, task_type=names, arm=names, metric=names, value=numbers, lower=st.none() | numbers)
    return example(arms=arms, tasks=tasks, evidence=tuple(draw(st.lists(row, max_size=3))))


@settings(max_examples=100, deadline=None)
@given(configs())
def test_what_is_saved_loads_equal_and_hashes_equal(config: RoutingConfig) -> None:
    raw = canonical_bytes(config).replace(b"0" * 64, config.hash.encode(), 1)
    loaded = parse_config(raw)
    assert loaded == config
    assert loaded.hash == config.hash
    assert canonical_bytes(loaded) == canonical_bytes(config)


@settings(max_examples=30, deadline=None)
@given(configs(), configs())
def test_two_configs_differ_exactly_when_their_hashes_do(a: RoutingConfig, b: RoutingConfig) -> None:
    assert (a.hash == b.hash) == (not diff(a, b))
    assert not diff(a, a)


def test_the_file_round_trips_and_states_its_own_checksum(tmp_path: Path) -> None:
    """S32: anybody can verify it on the raw bytes: zero the 64 digits, hash."""
    config = example()
    path = save_config(config, tmp_path / "routing.json")
    raw = path.read_bytes()
    stated = json.loads(raw)["checksum"]
    assert hashlib.sha256(raw.replace(stated.encode(), b"0" * 64)).hexdigest() == stated == config.hash
    assert load_config(path) == config


def test_any_flipped_byte_is_refused(tmp_path: Path) -> None:
    raw = save_config(example(), tmp_path / "routing.json").read_bytes()
    for place in range(len(raw)):
        for mask in (0x01, 0x20, 0x80):
            broken = bytearray(raw)
            broken[place] ^= mask
            with pytest.raises(InvalidRoutingConfig):
                parse_config(bytes(broken))


@pytest.mark.parametrize("length", [0, 1, 40, -1])
def test_a_truncated_or_lengthened_file_is_refused(tmp_path: Path, length: int) -> None:
    raw = save_config(example(), tmp_path / "routing.json").read_bytes()
    for broken in (raw[:length], raw + b"\n", b"[]", b"null", b"\xff\xfe", b"[" * 100_000):
        with pytest.raises(InvalidRoutingConfig):
            parse_config(broken)


def test_an_edited_file_is_refused_even_when_only_its_layout_changed(tmp_path: Path) -> None:
    path = save_config(example(), tmp_path / "routing.json")
    data = json.loads(path.read_bytes())
    path.write_text(json.dumps(data))
    with pytest.raises(InvalidRoutingConfig, match="checksum"):
        load_config(path)


def test_a_valid_checksum_does_not_excuse_another_order_of_keys() -> None:
    """One config has one file: whoever hashes the file and whoever hashes the config agree."""
    data = {**json.loads(canonical_bytes(example())), "tasks": {}}
    shuffled = {name: data[name] for name in ["schema_version", "checksum", *data]}
    raw = (json.dumps(shuffled, indent=2) + "\n").encode()
    with pytest.raises(InvalidRoutingConfig, match="canonical"):
        parse_config(raw.replace(b"0" * 64, hashlib.sha256(raw).hexdigest().encode()))


def test_a_file_of_another_schema_version_says_so(tmp_path: Path) -> None:
    path = save_config(example(), tmp_path / "routing.json")
    path.write_bytes(path.read_bytes().replace(b'"schema_version": 1', b'"schema_version": 2'))
    with pytest.raises(InvalidRoutingConfig, match="schema_version == 2"):
        load_config(path)


def test_a_missing_file_or_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRoutingConfig, match="cannot read"):
        load_config(tmp_path / "absent.json")
    with pytest.raises(InvalidRoutingConfig, match="cannot write"):
        save_config(example(), tmp_path / "absent" / "routing.json")


def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_config(example(), tmp_path / "routing.json")
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InvalidRoutingConfig, match="No space left"):
        save_config(example(produced_by="later"), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["routing.json"]  # noqa: PTH208 - names are the point


def test_the_published_schema_accepts_what_is_written(tmp_path: Path) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    data = json.loads(save_config(example(), tmp_path / "routing.json").read_bytes())
    jsonschema.validate(data, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**data, "surprise": 1}, schema)


experiment = {"id": "e1", "task_type": "work.write", "weights": {"plain": 50, "default": 50}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tasks": {"t": {"weights": {"plain": 99}}}}, "sum to 99"),
        ({"tasks": {"t": {"weights": {"plain": 100.0}}}}, "integer"),
        ({"tasks": {"t": {"weights": {"plain": True, "default": 99}}}}, "integer"),
        ({"tasks": {"t": {"weights": {"plain": "100"}}}}, "integer"),
        ({"tasks": {"t": {"weights": {"plain": 150, "default": -50}}}}, "less than"),
        ({"tasks": {"t": {"weights": {"nobody": 100}}}}, "unknown arms"),
        ({"tasks": {"t": {"wieghts": {}}}}, "Extra inputs"),
        ({"arms": {"default": {"model": "local/a"}}, "tasks": {}}, "reserved for what the rules choose"),
        ({"arms": {"human": {"model": "local/a"}}, "tasks": {}}, "'human', which is reserved for people"),
        ({"arms": {"plain": {"model": "local/a", "temperature": math.nan}}}, "temperature"),
        ({"evidence": [{"task_type": "t", "arm": "a", "metric": "m", "value": math.inf}]}, "value"),
        ({"purpose": "dead"}, "purpose"),
        ({"parent": "abc"}, "parent"),
        ({"experiments": [{**experiment, "weights": {}}]}, "sum to 0"),
        ({"experiments": [{**experiment, "buckets": (0, 5_000)}]}, "no namespace"),
        ({"experiments": [{**experiment, "namespace": "n", "buckets": (5_000, 5_000)}]}, "range"),
        ({"experiments": [experiment, experiment]}, "same id"),
        ({"experiments": [experiment, {**experiment, "id": "e2"}]}, "share one namespace"),
        (
            {
                "experiments": [
                    {**experiment, "namespace": "n", "buckets": (0, 6_000)},
                    {**experiment, "id": "e2", "namespace": "n", "buckets": (5_999, 10_000)},
                ]
            },
            "overlapping",
        ),
    ],
)
def test_an_inconsistent_config_is_one_clear_error(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRoutingConfig, match=says) as caught:
        example(**changes)
    assert caught.value.hint


def test_experiments_of_one_namespace_may_take_disjoint_ranges() -> None:
    both = (
        ExperimentSpec(id="e1", task_type="t", weights={"plain": 100}, namespace="n", buckets=(0, 5_000)),
        ExperimentSpec(id="e2", task_type="t", weights={"default": 100}, namespace="n", buckets=(5_000, 10_000)),
    )
    assert example(experiments=both).experiments == both


def test_numbers_keep_ten_digits_so_that_the_last_bit_of_a_machine_does_not_show() -> None:
    """S32: deterministic byte for byte."""
    row = {"task_type": "t", "arm": "plain", "metric": "m"}
    a = example(evidence=({**row, "value": 0.1 + 0.2, "lower": -0.0},))
    b = example(evidence=({**row, "value": 0.3, "lower": 0.0},))
    assert canonical_bytes(a) == canonical_bytes(b)


def test_order_of_keys_does_not_matter() -> None:
    weights = {"plain": 10, "worked": 20, "default": 70}
    a = example(tasks={"t": {"weights": weights}})
    b = example(tasks={"t": {"weights": dict(reversed(weights.items()))}})
    assert a.hash == b.hash


def test_the_next_version_names_its_parent_and_keeps_the_salt() -> None:
    first = example(tasks={"work.write": {"weights": {"plain": 10, "default": 90}, "salt": "s1"}})
    second = first.with_weights("work.write", {"plain": 25, "default": 75}, stage="25")
    assert second.parent == first.hash
    assert second.tasks["work.write"].salt == "s1"
    assert second.tasks["work.write"].stage == "25"
    assert {change.path for change in diff(first, second)} == {
        "parent",
        "tasks.work.write.stage",
        "tasks.work.write.weights.default",
        "tasks.work.write.weights.plain",
    }
    assert "10 -> 25" in "\n".join(map(str, diff(first, second)))


def test_a_config_is_expired_from_its_expiry_on() -> None:
    """S31."""
    config = example(expires_on=AS_OF)
    assert config.expired(AS_OF)
    assert not config.expired(date(2026, 11, 23))
    assert not example().expired(date(2999, 1, 1))
