"""Small labs over a simulated world with a clock and ids from a seed: whole, and over in a blink. Asserts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.catalog.tasks import load_tasks
from bizq_lab.config import ArmSpec, RoutingConfig
from bizq_lab.core.protocols import Provider
from bizq_lab.core.seeded import SeededClock, SeededIds
from bizq_lab.core.task import Task
from bizq_lab.lab import Lab
from bizq_lab.lab.providers import simulated_providers

DAY = date(2026, 11, 1)
TYPE = "customer.process_return"
OTHER = "content.create_social_post"
ARMS = {"plain": ArmSpec(model="local/smollm2-135m"), "luna": ArmSpec(model="openai/gpt-6-luna")}


@cache
def catalog(name: str = "current") -> Catalog:
    return load_catalog(name, as_of=DAY)


def start(weights: Mapping[str, int] | None = None, *, task_type: str = TYPE, **changes: object) -> RoutingConfig:
    """A config of the two arms; without weights the rules route."""
    tasks = {} if weights is None else {task_type: weights}
    made = RoutingConfig.start(catalog(), arms=ARMS, tasks=tasks, as_of=DAY, produced_by="tests")
    return made.evolve(parent="", **changes) if changes else made


def small_lab(folder: Path, *, seed: int = 0, providers: Mapping[str, Provider] | None = None, **options: Any) -> Lab:
    """A lab on a fresh log; `providers` default to the simulated world of this seed."""
    options = {"catalog": catalog(), "config": start(), **options}
    return Lab.open(
        folder / "lab.duckdb",
        providers=simulated_providers(options["catalog"], seed) if providers is None else providers,
        clock=SeededClock(DAY),
        ids=SeededIds(seed),
        seed=seed,
        **options,
    )


def tasks_of(task_type: str = TYPE, n: int = 4) -> list[Task]:
    return list(load_tasks(task_type)[:n])


def contents(log: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every table and view of a log, as plain duckdb reads them, in a canonical order."""
    with duckdb.connect(str(log), read_only=True) as connection:
        names = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main' ORDER BY ALL"
        ).fetchall()
        return {name: connection.execute(f'FROM "{name}" ORDER BY ALL').fetchall() for (name,) in names}


def rows(log: Path, text: str) -> list[dict[str, Any]]:
    """The rows of a query by plain duckdb, without this package."""
    with duckdb.connect(str(log), read_only=True) as connection:
        found = connection.execute(text)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
