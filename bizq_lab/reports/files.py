"""Reports on disk. Must not know what is in them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from bizq_lab.errors import InputError


def write_report(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a report atomically: whoever has the old one open, or a crash at any instant, sees one whole report.

    Args:
        path: The file; its folder is made if needed.
        data: What `render` made.

    Returns:
        The path written.

    Raises:
        InputError: The file cannot be written.
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".report-", suffix=".tmp", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp makes it private; a report is there to be read
        temporary.replace(target)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot write report {str(path)!r}: {reason}"
        raise InputError(message, hint="name a file in a folder you may write to; the old one is untouched") from None
    return target
