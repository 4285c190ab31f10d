"""Accepted answers by canonical request, so that asking again costs nothing. Knows SQLite; no provider, no policy.

The key is a SHA-256 over everything that shapes an answer (who serves it, model, prompts, parameters) and over whose
task it is and which repetition: workspaces never read each other's answers, and a repeat is a new draw. The request
itself is not kept. What was not accepted, failed, or has side effects is never kept; neither is a comparison's answer,
which has to be measured.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bizq_lab.core.execution import ProviderCall, ProviderReply, Usage
from bizq_lab.core.ids import digest
from bizq_lab.errors import LogError
from bizq_lab.execution.statements import statements

if TYPE_CHECKING:
    from bizq_lab.core.protocols import Clock
    from bizq_lab.execution.job import Ended, Job

_BUSY_S = 30.0


class Recalled:
    """A provider that says again what another one said: at once, for nothing."""

    live = False

    def __init__(self, name: str, reply: ProviderReply) -> None:
        """Remember the answer."""
        self.name, self._reply = name, reply

    async def complete(self, call: ProviderCall) -> ProviderReply:  # noqa: ARG002 - the key has seen it
        """The same text and tokens; no time, no compute."""
        return replace(self._reply, cached=True, response_time_s=0.0, first_token_s=None, core_seconds=0.0)

    async def aclose(self) -> None:
        """Nothing to release."""


class ResponseCache:
    """Answers in a SQLite file that any number of processes may share.

    Args:
        path: The file; `Lab` keeps it beside the log.
        clock: Says when an answer was kept.
    """

    def __init__(self, path: Path | str, *, clock: Clock) -> None:
        """Remember where; the file is made with the first answer."""
        self._path, self._clock, self._lock = Path(path), clock, threading.Lock()
        self._statements = statements("cache.sql")

    def recall(self, job: Job, call: ProviderCall) -> Recalled | None:
        """What was answered to this very request before; None when nothing was, or it may not be reused."""
        if not _reusable(job, call) or not self._path.exists():
            return None
        with self._connection() as run:
            row = run.execute(self._statements["get"], {"request_sha256": request_sha256(job, call)}).fetchone()
        reply = None if row is None else _reply(row[0])
        return None if reply is None else Recalled(call.config.provider, reply)

    def keep(self, job: Job, call: ProviderCall, ended: Ended) -> None:
        """Keep an accepted answer; anything else is left alone."""
        reply = ended.attempt.reply
        if ended.attempt.status != "completed" or reply is None or reply.cached or not _reusable(job, call):
            return
        row = {
            "request_sha256": request_sha256(job, call),
            "workspace_id": job.context.workspace_id,
            "stored_at_us": self._clock.now_us(),
            "reply": json.dumps(asdict(reply)),
        }
        with self._connection() as run:
            run.execute(self._statements["put"], row)

    def count(self, *, workspace_id: str | None = None, before_us: int | None = None) -> int:
        """How many answers are kept: of a workspace, from before an instant, or all."""
        if not self._path.exists():
            return 0
        with self._connection() as run:
            params = {"workspace_id": workspace_id, "before_us": before_us}
            return int(run.execute(self._statements["count"], params).fetchone()[0])

    def remove(self, *, workspace_id: str | None = None, before_us: int | None = None) -> int:
        """Forget answers, and leave none of their bytes in the file; returns how many."""
        gone = self.count(workspace_id=workspace_id, before_us=before_us)
        if gone:
            with self._connection() as run:
                run.execute(self._statements["remove"], {"workspace_id": workspace_id, "before_us": before_us})
            with self._connection() as run:
                run.execute("VACUUM")
        return gone

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """One short connection a question: it never crosses a fork, and nothing is left open."""
        try:
            with self._lock, closing(sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)) as run:
                run.execute("PRAGMA secure_delete = ON")
                run.execute(self._statements["schema"])
                yield run
        except sqlite3.Error as error:
            message = f"the response cache {self._path.name!r} cannot be used: {error}"
            raise LogError(message, hint="is it a file of this program, in a folder that can be written?") from error


def request_sha256(job: Job, call: ProviderCall) -> str:
    """The canonical request as one hash."""
    config = call.config
    return digest(
        job.context.workspace_id, config.provider, config.api_model, call.system, call.prompt,
        sorted(config.sampling.items()), config.max_tokens, call.repeat,
    )  # fmt: skip


def _reusable(job: Job, call: ProviderCall) -> bool:
    return job.purpose == "task" and not call.idempotency_key and job.decision.design == "observational"


def _reply(text: str) -> ProviderReply | None:
    """A kept answer; None where the file was tampered with or written by a release that kept something else."""
    try:
        data: dict[str, Any] = json.loads(text)
        return ProviderReply(**{**data, "usage": Usage(*data["usage"])})
    except (ValueError, TypeError, KeyError):
        return None
