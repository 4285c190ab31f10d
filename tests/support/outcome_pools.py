"""Every model's real outcome on every task, so that any policy can be replayed: recorded, or of a known world."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bizq_lab.catalog import Catalog
from bizq_lab.simulate import World

RECORDED = Path(__file__).parents[2].parent / "shared" / "data" / "recorded" / "bfcl_2024_08.parquet"
REASON = "other people's recorded outcomes lie beside the repository, in ../shared/data, or nowhere"
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """Tasks, and what each model made of them.

    Attributes:
        types: Task types by code.
        models: Models by code.
        kind: Shape (tasks,). Code of the task type.
        quality: Shape (tasks, models), in [0, 1].
        cost_usd: Shape (tasks, models).
    """

    types: tuple[str, ...]
    models: tuple[str, ...]
    kind: NDArray[np.intp]
    quality: Floats
    cost_usd: Floats

    def rewards(self, value_usd: float) -> dict[str, Floats]:
        """Shape (tasks, models) by metric."""
        net = value_usd * self.quality - self.cost_usd
        return {"quality": self.quality, "cost": self.cost_usd, "net benefit": net}

    def replayed(self, shares: Floats, reward: Floats) -> float:
        """Mean reward when the policy, shape (types, models), is really replayed on every task."""
        return float((shares[self.kind] * reward).sum(axis=1).mean())

    def means(self, reward: Floats) -> Floats:
        """Shape (types, models). Mean reward of each."""
        return np.stack([reward[self.kind == code].mean(axis=0) for code in range(len(self.types))])

    def subset(self, tasks: NDArray[np.intp] | NDArray[np.bool_]) -> Pool:
        """Only these tasks."""
        return Pool(
            types=self.types,
            models=self.models,
            kind=self.kind[tasks],
            quality=self.quality[tasks],
            cost_usd=self.cost_usd[tasks],
        )


def recorded_pool(path: Path = RECORDED) -> Pool:
    """Eight real models on the same prompts in twelve categories, at the list prices of their month."""
    import duckdb  # noqa: PLC0415 - tests only

    found = duckdb.execute(
        f"SELECT category, prompt_id, model, score, cost_list_usd FROM '{path}' ORDER BY category, prompt_id, model"  # noqa: S608
    ).fetchall()
    types = tuple(sorted({row[0] for row in found}))
    models = tuple(sorted({row[2] for row in found}))
    tasks = list(dict.fromkeys((row[0], row[1]) for row in found))
    shape = len(tasks), len(models)
    return Pool(
        types=types,
        models=models,
        kind=np.array([types.index(category) for category, _ in tasks]),
        quality=np.array([row[3] for row in found], dtype=np.float64).reshape(shape),
        cost_usd=np.array([row[4] for row in found], dtype=np.float64).reshape(shape),
    )


def world_pool(seed: int, catalog: Catalog, types: tuple[str, ...], models: tuple[str, ...], *, tasks: int) -> Pool:
    """A simulated world's answers; an error has quality 0."""
    world = World(seed, catalog)
    drawn = [
        [world.draw(name, f"{name}/{number}", model) for model in models] for name in types for number in range(tasks)
    ]
    return Pool(
        types=types,
        models=models,
        kind=np.repeat(np.arange(len(types)), tasks),
        quality=np.array([[each.quality or 0.0 for each in row] for row in drawn]),
        cost_usd=np.array([[(each.cost_nano_usd or 0) / 1e9 for each in row] for row in drawn]),
    )
