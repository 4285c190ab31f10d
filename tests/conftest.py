"""Property tests draw the same forty examples in every run of the suite; `BIZQ_LAB_FULL=1` (`make full`) a hundred new.

Laws are about answers, never about how fast a busy machine draws examples. A new log's file costs a fifth of a second,
and over a thousand tests begin with one: each process of the suite makes it once, in earnest, and then copies it.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bizq_lab.store import schema
from bizq_lab.store.migrations import Migration, migrations

settings.register_profile("fresh", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("suite", settings.get_profile("fresh"), derandomize=True, max_examples=40)
settings.load_profile("fresh" if os.environ.get("BIZQ_LAB_FULL") == "1" else "suite")


@pytest.fixture(scope="session", autouse=True)
def new_logs_are_copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make an empty log of this release once a process. Other programs that tests start make theirs as users do."""
    make, template = schema._make, tmp_path_factory.mktemp("new") / "lab.duckdb"

    def copied(path: Path, steps: Sequence[Migration], now_us: int) -> None:
        if tuple(steps) != migrations():
            make(path, steps, now_us)
            return
        if not template.exists():
            make(template, steps, now_us)
        shutil.copyfile(template, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_make", copied)
        yield
