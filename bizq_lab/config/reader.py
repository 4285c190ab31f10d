"""A service's own view of the routing file: loaded, verified, reloaded when it changes, and asked for arms.

All that production needs: pydantic and this room. Must not know a log, a model's price or how anything is learned.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from bizq_lab.config.assigned import Assigned, Assigner
from bizq_lab.config.files import load_config
from bizq_lab.config.schema import RoutingConfig
from bizq_lab.errors import BizqLabError, OfflineConfig

_log = logging.getLogger("bizq_lab.config")
_State = tuple[int, int, int]


class Reader:
    """Routes by the weights of a file, and takes up a new one within `poll_s` seconds.

    A new file that does not verify is not taken up: the last good config goes on routing, `problem` says why, and so
    does the logger `bizq_lab.config`. Safe to share between threads; a call that finds nothing new costs one `stat`
    per `poll_s`.

    Attributes:
        path: The routing file.
        problem: Why the file as it is now is not in force; empty while it is.

    Example:
        reader = Reader("routing.json")
        arm = reader.pick("content.create_social_post", "ws_1")
        call(arm.spec.model if arm.spec else "my own default")
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        poll_s: float = 1.0,
        public_key: bytes | None = None,
        allow_offline: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        """Load the file; a service does not start without a good one.

        Args:
            path: The routing file.
            poll_s: Least seconds between two looks at it.
            public_key: Ed25519 key in PEM; then only configs signed with its private half are taken up.
            allow_offline: Take up configs for study as well.
            monotonic: Injected time in seconds.
            on_problem: Called with each new problem, such as to raise an alert.

        Raises:
            InvalidRoutingConfig: The file does not verify.
            OfflineConfig: The config is for study.
        """
        self.path = Path(path)
        self.problem = ""
        self._poll_s, self._monotonic, self._on_problem = poll_s, monotonic, on_problem
        self._public_key, self._allow_offline = public_key, allow_offline
        self._lock = Lock()
        self._seen = _state_of(self.path)
        self._looked = monotonic()
        self._assigner = Assigner(self._load())

    @property
    def config(self) -> RoutingConfig:
        """The config in force."""
        return self._assigner.config

    def pick(self, task_type: str, workspace_id: str, *, task_key: str = "") -> Assigned:
        """The arm of a unit; `default`, with no model, where the config leaves it to the service.

        Args:
            task_type: Exact name.
            workspace_id: What sticks to its arm, unless the config says the task does.
            task_key: Identity of the task, where the unit is the task; by default the workspace's.
        """
        if self._monotonic() - self._looked >= self._poll_s:
            self.refresh()
        return self._assigner.assign(task_type, workspace_id, task_key=task_key)

    def refresh(self) -> bool:
        """Look at the file now.

        Returns:
            Whether another config came into force.
        """
        if not self._lock.acquire(blocking=False):
            return False  # another thread is looking; this one goes on with what there is
        try:
            self._looked = self._monotonic()
            state = _state_of(self.path)
            if state == self._seen:
                return False
            self._seen = state
            return self._take_up()
        finally:
            self._lock.release()

    def _take_up(self) -> bool:
        try:
            config = self._load()
        except BizqLabError as error:
            self.problem = f"{error.message}; config {self.config.hash[:12]} stays in force"
            _log.warning("%s: %s", self.path, self.problem)
            if self._on_problem is not None:
                self._on_problem(self.problem)
            return False
        self.problem = ""
        if config.hash == self.config.hash:
            return False
        _log.info("%s: config %s replaces %s", self.path, config.hash[:12], self.config.hash[:12])
        self._assigner = Assigner(config)
        return True

    def _load(self) -> RoutingConfig:
        config = load_config(self.path)
        if self._public_key is not None:
            from bizq_lab.config.signing import verify_signature  # noqa: PLC0415 - cryptography is optional

            verify_signature(config, self._public_key)
        if config.purpose == "offline" and not self._allow_offline:
            message = f"config {config.hash[:12]} is for offline study"
            raise OfflineConfig(message, hint="publish a live config, or pass allow_offline=True")
        return config


def _state_of(path: Path) -> _State | None:
    """What changes when a file is replaced or written to; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
