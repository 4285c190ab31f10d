"""A real log in a temporary folder, and a stream of events into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bizq_lab.store import Log
from tests.support.analysis_log import Stream


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """An empty log."""
    with Log.open(tmp_path / "lab.duckdb") as opened:
        yield opened


@pytest.fixture
def stream(log: Log) -> Stream:
    """Events into `log`."""
    return Stream(log)
