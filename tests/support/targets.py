"""The gateways that exports are tested with, where `make targets` put them, and configs to export. Asserts nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.catalog import load_catalog
from bizq_lab.config import ArmSpec, RoutingConfig
from bizq_lab.config.exporters import Export, export
from tests.support.echo_server import Echo
from tests.support.lab_cli import ROOT

DAY = date(2026, 11, 1)
CATALOG = load_catalog(as_of=DAY)
TYPE = "content.create_social_post"
WEIGHTS = {"luna": 62, "haiku": 28, "terra": 10}
PLACE = Path(os.environ.get("BIZQ_LAB_TARGETS", ROOT / ".targets"))


def routing(**changes: Any) -> RoutingConfig:
    """Three arms at one task type; a local one at another; a tenth for an arm at a third."""
    fields: dict[str, Any] = {
        "arms": {
            "luna": ArmSpec(model="openai/gpt-6-luna"),
            "haiku": ArmSpec(model="anthropic/claude-haiku-5-5"),
            "terra": ArmSpec(model="openai/gpt-6.1-terra", max_tokens=123),
            "house": ArmSpec(model="local/smollm2-135m"),
        },
        "tasks": {
            TYPE: {"weights": WEIGHTS, "salt": "s1"},
            "order.process_batch": {"weights": {"house": 40, "default": 60}},
            "content.write_blog_post": {"weights": {"luna": 10, "default": 90}},
        },
    }
    base = RoutingConfig.start(CATALOG, as_of=DAY, produced_by="tests")
    return base.evolve(parent="", **{**fields, **changes})


def exported(target: str, config: RoutingConfig | None = None) -> Export:
    """An export of the day."""
    return export(config or routing(), CATALOG, target, today=DAY)


def installed(*parts: str) -> str:
    """A program of a target's environment, or a skip that says how to get it."""
    path = PLACE.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{parts[0]} is not installed: make targets (or name its folder in BIZQ_LAB_TARGETS)")
    return str(path)


def node() -> str:
    """Node, or a skip."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed")
    return found


def run_python(python: str, script: str, *arguments: object) -> Any:
    """The JSON on the last line that a script prints in a target's own interpreter, without network and with no key."""
    keys = {"OPENAI_API_KEY": "none", "ANTHROPIC_API_KEY": "none", "BIZQ_LOCAL_API_KEY": "none"}
    done = subprocess.run(
        [python, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            **keys,
        },
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


@contextmanager
def portkey_gateway() -> Iterator[str]:
    """Portkey's own gateway on a loopback port: its base URL."""
    server = installed("node", "node_modules", "@portkey-ai", "gateway", "build", "start-server.js")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [node(), server, "--headless", f"--port={port}"],
        env={"PATH": os.environ["PATH"], "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert process.poll() is None, "the gateway stopped"
        with socket.socket() as tried:
            tried.settimeout(0.5)
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        with socket.socket() as waiting:  # a pause without a clock: nothing listens there
            waiting.settimeout(0.1)
            waiting.bind(("127.0.0.1", 0))
            waiting.listen()
            try:
                waiting.accept()
            except TimeoutError:
                continue
    raise AssertionError("the gateway does not listen")


def on_loopback(config: Mapping[str, Any], server: Echo) -> dict[str, Any]:
    """The same Portkey config with every provider's host replaced by the loopback server."""
    changed = dict(config)
    if "provider" in changed:
        changed["custom_host"] = f"{server.address}/v1"
    if "targets" in changed:
        changed["targets"] = [on_loopback(target, server) for target in changed["targets"]]
    return changed
