"""Each export is loaded by the gateway it is for, and where the gateway draws, it draws by our weights.

`make targets` installs the gateways; without them these tests skip.
"""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from scipy.stats import chisquare

from bizq_lab.config import ExperimentSpec, RoutingConfig
from bizq_lab.config.assigned import assigned
from bizq_lab.config.exporters.tensorzero import quoted
from tests.support.echo_server import echo
from tests.support.targets import (
    TYPE,
    WEIGHTS,
    exported,
    installed,
    node,
    on_loopback,
    portkey_gateway,
    routing,
    run_python,
)

MODELS = {"luna": "gpt-6-luna", "haiku": "claude-haiku-5-5", "terra": "gpt-6.1-terra"}
LITELLM = """
import collections, json, sys, yaml
from litellm import Router
document = yaml.safe_load(open(sys.argv[1]))
router = Router(model_list=document["model_list"], **document["router_settings"])
pick = lambda: router.get_available_deployment(model=sys.argv[2])["model_info"]["id"]
counts = collections.Counter(pick() for _ in range(int(sys.argv[3])))
groups = sorted({row["model_name"] for row in router.model_list})
once = router.model_group_retry_policy["order.process_batch"]
print(json.dumps({"counts": counts, "groups": groups, "fallbacks": router.fallbacks, "once": once}))
"""
TENSORZERO = """
import collections, json, sys
from tensorzero import TensorZeroGateway
counts = collections.Counter()
with TensorZeroGateway.build_embedded(config_file=sys.argv[1]) as gateway:
    for _ in range(int(sys.argv[3])):
        asked = {"messages": [{"role": "user", "content": "hi"}]}
        counts[gateway.inference(function_name=sys.argv[2], input=asked).variant_name] += 1
print(json.dumps(counts))
"""


def agree(counts: Mapping[str, int]) -> None:
    """Counts by arm are a draw from our weights; a one in a million deviation fails."""
    assert set(counts) <= set(WEIGHTS)
    n = sum(counts.values())
    observed = [counts.get(arm, 0) for arm in WEIGHTS]
    assert chisquare(observed, [share * n / 100 for share in WEIGHTS.values()]).pvalue > 1e-6, dict(counts)


def test_litellm_loads_the_config_and_draws_by_its_weights(tmp_path: Path) -> None:
    python = installed("litellm", "bin", "python")
    path = tmp_path / "config.yaml"
    path.write_text(exported("litellm").text, encoding="utf-8")
    said = run_python(python, LITELLM, path, TYPE, 6_000)
    agree({name.removeprefix(f"{TYPE}/"): count for name, count in said["counts"].items()})
    assert TYPE in said["groups"]
    assert {TYPE: [f"{TYPE}__fallback_1", f"{TYPE}__fallback_2"]} in said["fallbacks"]
    assert set(said["once"].values()) == {0}, "what has side effects is not repeated (S22)"


def test_tensorzero_loads_the_config_and_draws_by_its_weights(tmp_path: Path) -> None:
    python = installed("tensorzero", "bin", "python")
    path = tmp_path / "tensorzero.toml"
    with echo() as server:
        text = exported("tensorzero").text
        lines = []
        for line in text.splitlines():
            lines.append(line)
            if line.startswith("model_name = ") and "smollm2" not in line:
                end = "/v1/messages" if "claude" in line else "/v1/"
                lines.append(f"api_base = {quoted(server.address + end)}")
        quiet = "[gateway]\nobservability.enabled = false\n"
        path.write_text(quiet + "\n".join(lines) + "\n", encoding="utf-8")
        counts = run_python(python, TENSORZERO, path, TYPE, 1_500)
        asked = dict(server.asked)
    agree(counts)
    assert asked == {MODELS[arm]: count for arm, count in counts.items()}


def test_portkey_takes_the_config_draws_by_its_weights_and_falls_back() -> None:
    """The open-source gateway validates the config by its own schema with every request."""
    with echo() as server, portkey_gateway() as gateway:
        config = on_loopback(json.loads(exported("portkey-oss").text), server)
        headers = {"content-type": "application/json", "x-portkey-config": json.dumps(config, separators=(",", ":"))}
        body = json.dumps({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}).encode()

        def ask(task_type: str) -> int:
            metadata = {"x-portkey-metadata": json.dumps({"task_type": task_type})}
            request = urllib.request.Request(  # noqa: S310 - loopback
                f"{gateway}/v1/chat/completions", data=body, headers=headers | metadata
            )
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
                return int(answer.status)

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(ask, [TYPE] * 400)) == {200}
        agree({arm: server.asked[model] for arm, model in MODELS.items()})
        server.asked.clear()
        ask("nobody.declared_this")
        assert dict(server.asked) == {"gpt-6.1-terra": 1}, "an unknown type goes to `default`"
        server.asked.clear()
        server.failing |= set(MODELS.values())
        assert ask(TYPE) == 200
        assert server.asked["claude-sonnet-5-5"] == 1


def test_typescript_compiles_strictly_and_assigns_ten_thousand_units_as_we_do(tmp_path: Path) -> None:
    tsc = installed("node", "node_modules", ".bin", "tsc")
    config = _with_everything()
    (tmp_path / "routing.ts").write_text(exported("typescript", config).text, encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    strict = ("--strict", "--noUncheckedIndexedAccess", "--noImplicitOverride", "--exactOptionalPropertyTypes")
    options = (*strict, "--target", "es2022", "--module", "es2022", "--types", "", "--lib", "es2022")
    done = subprocess.run([tsc, *options, "routing.ts"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    units = [f"ws_{number}" for number in range(9_990)]
    units += ["", "é", "日本", "\U0001f600", "a\0b", "x" * 300, "\\", '"', "7:ws_1", "\x7f"]
    types = [TYPE, "order.process_batch", "customer.answer_inquiry", "constructor"]
    (tmp_path / "units.json").write_text(json.dumps([units, types]), encoding="utf-8")
    (tmp_path / "main.js").write_text(
        "import { readFileSync, writeSync } from 'node:fs';\n"
        "import { assign, CONFIG_CHECKSUM } from './routing.js';\n"
        "const [units, types] = JSON.parse(readFileSync('units.json', 'utf8'));\n"
        "const said = units.map((unit) => types.map((type) => { const a = assign(type, unit, unit + '/task');\n"
        "  return [a.arm, a.policy, a.unit, a.propensity, a.experiment, a.stage, a.config.model]; }));\n"
        "process.stdout.write(JSON.stringify({ said, checksum: CONFIG_CHECKSUM }));\n",
        encoding="utf-8",
    )
    ran = subprocess.run([node(), "main.js"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert document["checksum"] == config.hash
    for unit, rows in zip(units, document["said"], strict=True):
        for task_type, row in zip(types, rows, strict=True):
            ours = assigned(config, task_type, unit, task_key=f"{unit}/task")
            assert row[:6] == [ours.arm, ours.policy, ours.unit, ours.propensity, ours.experiment, ours.stage]
            if ours.spec is not None:
                assert row[6] == ours.spec.model.partition("/")[2]


def _with_everything() -> RoutingConfig:
    """Weights by workspace and by task, two experiments in one namespace, a ramp stage, the rules."""
    tasks = {
        **routing().tasks,
        "order.process_batch": {"weights": {"luna": 33, "haiku": 67}, "unit": "task", "stage": "r/33"},
    }
    experiments = tuple(
        ExperimentSpec(
            id=name, task_type="customer.answer_inquiry", weights={"luna": 50, "haiku": 50}, namespace="n", buckets=span
        )
        for name, span in (("e1", (0, 3_000)), ("e2", (3_000, 4_000)))
    )
    return routing(tasks=tasks, experiments=experiments)


@pytest.mark.parametrize(
    "flags", [(), ("--lib", "es2022,dom"), ("--target", "es2020")], ids=["default", "dom", "es2020"]
)
def test_typescript_compiles_in_other_settings(tmp_path: Path, flags: tuple[str, ...]) -> None:
    tsc = installed("node", "node_modules", ".bin", "tsc")
    (tmp_path / "routing.ts").write_text(exported("typescript").text, encoding="utf-8")
    done = subprocess.run(
        [tsc, "--strict", "--noEmit", *flags, "routing.ts"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
