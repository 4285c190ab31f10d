"""What tuning costs beyond its solver and its scan: 500 task types x 20 models, 1,000,000 logged outcomes.

Run: python -m tests.benchmarks.bench_tune [task_types models outcomes points]

One run measures the whole (ordering, weights, shadow prices, frontier) and its bare parts: the same linear programs
handed to HiGHS as matrices, and the aggregate query alone. The ratio is to stay at most 1.3.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import scipy.optimize

from bizq_lab.analysis import efficiency
from bizq_lab.analysis.naming import Names
from bizq_lab.catalog import Catalog
from bizq_lab.config import ArmSpec, RoutingConfig
from bizq_lab.store import Log
from bizq_lab.tuning import Proposal, tune
from tests.support.bulk_log import fill
from tests.support.routing_catalog import catalog, model, task_type

TODAY = date(2026, 11, 24)
TYPES, MODELS, OUTCOMES, POINTS = 500, 20, 1_000_000, 50
BAR = 1.3


def main() -> None:
    """Measure and print."""
    types, models, outcomes, points = [int(a) for a in sys.argv[1:5]] or [TYPES, MODELS, OUTCOMES, POINTS]
    known, config = _setting(types, models)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "lab.duckdb"
        fill(path, _outcomes(types, models, outcomes))
        with Log.open(path) as log:
            log.query("log_span")  # the first question opens the file
            with _counted() as solves:
                budget = 0.004 * types * 1_000
                ordering_s = _seconds(lambda: efficiency(log, catalog=known))
                found: list[Proposal] = []
                tune_s = _seconds(lambda: found.append(_tuned(log, known, config, budget)))
                frontier_s = _seconds(lambda: found[0].frontier(points))
            calls = list(solves)
            bare_query_s = _seconds(lambda: _query(log)) * 2  # the ordering and the weights each ask it once
        bare_solves_s = sum(_seconds(call) for call in calls)
    whole, bare = ordering_s + tune_s + frontier_s, bare_solves_s + bare_query_s
    sys.stdout.write(
        f"{types} task types x {models} models, {outcomes:,} outcomes, frontier of {points} points\n"
        f"ordering {ordering_s:.1f} s, weights {tune_s:.1f} s, frontier {frontier_s:.1f} s: {whole:.1f} s\n"
        f"bare: {len(calls)} programs {bare_solves_s:.1f} s, aggregate query {bare_query_s:.1f} s: {bare:.1f} s\n"
        f"ratio {whole / bare:.2f} (at most {BAR})\n"
    )


def _setting(types: int, models: int) -> tuple[Catalog, RoutingConfig]:
    entries = tuple(model(f"openai/m{i}") for i in range(models))
    kinds = (task_type("default", "openai/m0"), *(task_type(f"t.{i:03d}", "openai/m0") for i in range(types)))
    known = catalog(entries, kinds)
    arms = {f"a{i}": ArmSpec(model=f"openai/m{i}") for i in range(models)}
    even = {f"a{i}": 100 // models for i in range(models)}
    even["a0"] += 100 - sum(even.values())
    return known, RoutingConfig.start(known, arms=arms, tasks={f"t.{i:03d}": even for i in range(types)}, as_of=TODAY)


def _outcomes(types: int, models: int, outcomes: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    kind, arm = rng.integers(0, types, outcomes), rng.integers(0, models, outcomes)
    quality, cost = rng.uniform(0.5, 0.99, (types, models)), rng.uniform(0.001, 0.01, models)
    succeeded = rng.random(outcomes) < quality[kind, arm]
    return pd.DataFrame(
        {
            "task_type": np.char.add("t.", np.char.zfill(kind.astype(str), 3)),
            "arm": np.char.add("a", arm.astype(str)),
            "model": np.char.add("openai/m", arm.astype(str)),
            "number": np.arange(outcomes),
            "propensity": 1.0 / models,
            "succeeded": succeeded,
            "failed": False,
            "quality": np.where(succeeded, 1.0, 0.5 * rng.random(outcomes)).round(6),
            "cost_nano_usd": (cost[arm] * rng.lognormal(0.0, 0.4, outcomes) * 1e9).astype(np.int64),
            "seconds": rng.lognormal(0.5, 0.5, outcomes),
            "input_tokens": 300,
            "output_tokens": 200,
        }
    )


def _tuned(log: Log, known: Catalog, config: RoutingConfig, budget_usd: float) -> Proposal:
    return tune(log, known, as_of=TODAY, config=config, budget_usd=budget_usd, exploration_floor=0.01)


def _query(log: Log) -> None:
    """The aggregate behind both, as DuckDB answers it and Python receives it."""
    log.query(
        "cells",
        task_type=None,
        workspace_id=None,
        experiment=None,
        from_us=None,
        to_us=None,
        by_arm=True,
        by_model=False,
        by_workspace=False,
        by_day=False,
        served=False,
        people=False,
        groups="",
        by_rules=False,
        drawn="both",
        **Names().params(),
    )


@contextmanager
def _counted() -> Iterator[list[Callable[[], object]]]:
    """Every program that is solved meanwhile, to be handed to HiGHS once more."""
    calls: list[Callable[[], object]] = []

    def kept(solver: Callable[..., Any]) -> Callable[..., Any]:
        def solve(*matrices: Any, **options: Any) -> Any:
            calls.append(lambda: solver(*matrices, **options))
            return solver(*matrices, **options)

        return solve

    with (
        mock.patch.object(scipy.optimize, "linprog", kept(scipy.optimize.linprog)),
        mock.patch.object(scipy.optimize, "milp", kept(scipy.optimize.milp)),
    ):
        yield calls


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
