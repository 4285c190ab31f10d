"""A small WSGI application around one lab, for a prefork server. Asserts nothing.

The log is named by `BIZQ_LAB_TEST_LOG`. A path is the id of a task; the answer says which process executed it, and how
it ended. Where the server loads it before it forks, the parent has executed a task by then, on a loop of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from bizq_lab.core.task import RoutingContext, Task, WorkspacePreferences
from bizq_lab.lab import Lab
from tests.support.execution import ScriptedProvider, reply

WHERE = RoutingContext(workspace_id="ws_1", workspace_preferences=WorkspacePreferences(preferred_provider="openai"))
LAB = Lab.open(os.environ["BIZQ_LAB_TEST_LOG"], providers={"openai": ScriptedProvider(reply())})


def execute(name: str) -> str:
    """Execute one task here."""
    return LAB.run(Task(type="default", input={"q": "x"}, id=name), WHERE).status


execute(f"loaded_by_{os.getpid()}")


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """One request, one task."""
    said = f"{os.getpid()} {execute(environ['PATH_INFO'].strip('/'))}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(said)))])
    return [said]
