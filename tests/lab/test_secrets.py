"""Keys of every shape, planted wherever a provider can put them, and every artefact of a lab searched for them."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path

import pytest

from bizq_lab.core.task import RoutingContext, Task, WorkspacePreferences
from bizq_lab.execution import Cap, make_provider
from bizq_lab.lab import Lab
from tests.support.fault_server import FaultServer, failure

MARK = "Qz7Kx2Vb9Nm4Lp1W"
SHAPES = (
    f"sk-{MARK}", f"sk-proj-{MARK}", f"sk-ant-api03-{MARK}", f"Authorization: Bearer {MARK}", f"x-api-key: {MARK}",
    f"https://user:{MARK}@proxy.example/v1", f"https://hooks.slack.example/services/T0/B0/{MARK}",
)  # fmt: skip
KEYS = {"OPENAI_API_KEY": "sk-proj-Own0Key1Nobody2Sees3", "ANTHROPIC_API_KEY": "sk-ant-Own4Key5Nobody6Sees7"}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_no_artefact_holds_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, provider: str, status: int
) -> None:
    """Each SDK really sends its key, and the provider's answer quotes seven more, in both header styles."""
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    prefers = WorkspacePreferences(preferred_provider=provider)
    context = RoutingContext(workspace_id="ws_1", workspace_preferences=prefers)
    with FaultServer() as server, caplog.at_level(logging.DEBUG):
        server.script(provider, (), then=failure(status, message=" ".join(SHAPES), code=SHAPES[0], Retry_After="0"))
        client = make_provider(provider, base_url=server.base_url(provider))
        with Lab.open(
            tmp_path / "lab.duckdb", providers={provider: client}, budgets={"*": Cap(usd=50, period="total")}
        ) as lab:
            result = lab.run(Task(type="default", input={"q": "x"}), context)
            rows = "".join(lab.log.sql(f"SELECT * FROM {table}").to_csv() for table in ("attempt", "human_task"))  # noqa: S608 - ours
            shown = [repr(result), repr(lab), repr(lab.executor), repr(client), repr(vars(client)), rows]
            lab.executor.wait(lab.executor.aclose())
        sent = repr(server.seen[0].headers)
    own = KEYS[f"{provider.upper()}_API_KEY"]
    assert own in sent  # it was there to be leaked
    assert result.status == "escalated"
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    assert len(written) >= 2
    artefacts = [pickle.dumps(result), *written, *(text.encode() for text in (*shown, caplog.text))]
    for artefact in artefacts:
        assert not [secret for secret in (MARK, *KEYS.values()) if secret.encode() in artefact]
