"""A name that one process at a time may work under, such as a bulk run. Knows nothing of the work, and no DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bizq_lab.errors import LogLocked
from bizq_lab.store.locks import file_lock


@contextmanager
def claim(log: Path, name: str, *, patience_s: float = 0.0) -> Iterator[None]:
    """Hold a name of this log inside the block; the kernel lets go of it when its holder dies.

    Args:
        log: The log's file; the lock lies beside it.
        name: A file name's part.
        patience_s: How long to wait for another holder.

    Raises:
        LogLocked: Another process, or this one, holds it.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    path = log.with_name(f"{log.name}.{name}.lock")
    with file_lock(path, exclusive=True, patience_s=patience_s) as held:
        if not held:
            message = f"{name} is under way in another process"
            raise LogLocked(message, hint="wait for it, or stop it")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
