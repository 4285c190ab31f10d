"""What a decision costs, beside LiteLLM's pick: `python tests/benchmarks/bench_routing.py [--litellm PYTHON] [--full]`.

LiteLLM runs in an environment of its own, whose interpreter is given: `pip install 'litellm<1.109.1'` in a new one,
then `pip install --no-deps litellm==1.109.1` (its pins may not resolve). The older version picks in half the time.
Times are CPU time of single calls in microseconds, on both sides, so that a busy machine does not spoil them; the
garbage collector is off while they are taken. Nothing here is a test: figures depend on the machine, read the ratios.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # a script, run from anywhere, that uses the tests' support

from bizq_lab.config import AdaptivePolicy, RoutingConfig, TaskRouting, pick
from bizq_lab.config.assign import pick_prepared, prepare
from bizq_lab.core.snapshot import BudgetView, Health, Snapshot
from bizq_lab.core.task import RoutingContext, Task, WorkspacePreferences
from bizq_lab.routing import AdaptiveRouter, AITaskRouter
from tests.support.routing_catalog import TODAY, catalog, model, task_type

LITELLM = """
import json, sys, time, statistics
from litellm import Router
def figures(n):
    models = [{"model": f"openai/m{i}", "api_key": "x", "weight": 1} for i in range(n)]
    router = Router(
        model_list=[{"model_name": "m", "litellm_params": params} for params in models],
        routing_strategy="simple-shuffle",
    )
    messages = [{"role": "user", "content": "hello"}]
    for _ in range(200):
        router.get_available_deployment(model="m", messages=messages)
    taken = []
    for _ in range(3000):
        start = time.process_time_ns()
        router.get_available_deployment(model="m", messages=messages)
        taken.append((time.process_time_ns() - start) / 1000)
    taken.sort()
    return [statistics.median(taken), taken[int(0.99 * len(taken))]]
print(json.dumps({"3": figures(3), "100": figures(100)}))
"""
WARM_UP = 10_000
TASK = Task(
    type="type.0",
    id="t",
    input={
        "product_name": "Wireless Headphones",
        "features": ["Noise cancelling", "Bluetooth 5.0"],
        "platform": "shopify",
    },
)
CONTEXT = RoutingContext(
    workspace_id="ws_1",
    budget_tier="premium",
    max_cost=0.9,
    max_processing_time=90.0,
    workspace_preferences=WorkspacePreferences(cost_sensitivity=0.6),
)


def timed(call: Callable[[], object], calls: int = 5_000) -> tuple[float, float]:
    """Median and 99th percentile of one call, in microseconds."""
    for _ in range(200):
        call()
    gc.collect()
    gc.disable()
    taken = []
    for _ in range(calls):
        start = time.process_time_ns()
        call()
        taken.append((time.process_time_ns() - start) / 1_000)
    gc.enable()
    taken.sort()
    return statistics.median(taken), taken[int(0.99 * len(taken))]


def world(
    models: int, types: int, allowed: int, *, policy: AdaptivePolicy | None = None
) -> tuple[AITaskRouter, Snapshot]:
    """A router over so many models and task types, `allowed` of them candidates, all of them observed and healthy."""
    tiers, keys = ("economy", "standard", "premium"), [f"p{n % 4}/m{n}" for n in range(models)]
    entries = tuple(model(key, tier=tiers[n % 3], latency_prior_s=3.0 + n / 100) for n, key in enumerate(keys))
    kinds = tuple(task_type(f"type.{n}", keys[1], models=tuple(keys[:allowed])) for n in range(types))
    made = catalog(entries, (*kinds, task_type("default", keys[1])), {})
    seen = Health(p95_latency_s=4.0, requests_left=100, tokens_left=1_000_000, slots_left=4)
    snapshot = Snapshot(id="s", health=dict.fromkeys(keys, seen), budget=BudgetView(remaining_usd=100.0))
    if policy is not None:
        return AdaptiveRouter(made, policy=policy), snapshot
    tasks = {kind.type: TaskRouting() for kind in kinds}
    return AITaskRouter(made, RoutingConfig.start(made, as_of=TODAY).evolve(tasks=tasks)), snapshot


def decisions(router: AITaskRouter, snapshot: Snapshot) -> tuple[float, float]:
    """One decision with every constraint in force."""
    return timed(lambda: router.route_task(TASK, CONTEXT, snapshot=snapshot))


def loaded(models: int, types: int) -> float:
    """Median decision when task types are asked in turn, six candidates each."""
    router, snapshot = world(models, types, 6)
    tasks = [Task(type=f"type.{n % types}", id="t", input=TASK.input) for n in range(1_000)]
    turn = iter(tasks * 8)
    for task in tasks:
        router.route_task(task, CONTEXT, snapshot=snapshot)
    return timed(lambda: router.route_task(next(turn), CONTEXT, snapshot=snapshot))[0]


def batch(tasks: int) -> float:
    """Decisions a second of `route_many`."""
    router, snapshot = world(10, 1, 10)
    start = time.process_time()
    count = sum(1 for _ in router.route_many((TASK for _ in range(tasks)), CONTEXT, snapshot=snapshot))
    return count / (time.process_time() - start)


def growth(tasks: int) -> int:
    """How much `route_many` grows after its first 10,000 decisions, in KiB: no two tasks and no two workspaces alike.

    To be called in a new process: the peak of one that held a larger world before would hide it.
    """
    router, snapshot = world(10, 1, 10)
    stream = (Task(type="type.0", id=f"t{n}", input={**TASK.input, "n": n}) for n in range(tasks))
    contexts = (CONTEXT.model_copy(update={"workspace_id": f"ws_{n}"}) for n in range(tasks))
    peak = 0
    for n, _ in enumerate(router.route_many(stream, contexts, snapshot=snapshot)):
        if n == WARM_UP:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) // (1024 if sys.platform == "darwin" else 1)


def grown(tasks: int) -> int:
    """`growth`, in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(growth, tasks).result()


def figures(*, full: bool) -> dict[str, float]:
    """Every figure by name."""
    tasks = 1_000_000 if full else 50_000
    grew = grown(tasks)  # first: a new process starts with the peak of the one that made it
    weights = {"a": 10, "b": 30, "default": 60}
    arms = prepare(weights)
    ten, hundred = world(10, 1, 10), world(100, 1, 100)
    thompson = world(10, 1, 10, policy=AdaptivePolicy())
    found: dict[str, float] = {}
    for name, (median, p99) in {
        "route_task, 10 candidates": decisions(*ten),
        "route_task, 100 candidates": decisions(*hundred),
        "route_task, Thompson, cached": decisions(*thompson),
        "pick, 3 arms": timed(lambda: pick(weights, salt="salt", unit="ws_123"), 20_000),
        "pick prepared, 3 arms": timed(lambda: pick_prepared(arms, salt="salt", unit="ws_123"), 20_000),
    }.items():
        found[f"{name}: median us"], found[f"{name}: p99 us"] = median, p99
    few, many = loaded(6, 10), loaded(50, 500)
    found["10 task types x 6 models: median us"], found["500 x 50, 6 allowed: median us"] = few, many
    found["500 x 50 over 10 x 6"] = many / few
    found["route_many: decisions a second"], found["route_many: growth KiB"] = batch(tasks), grew
    return found


def beside(python: str, ours: dict[str, float]) -> dict[str, float]:
    """LiteLLM's figures from its own interpreter, and the ratios the project holds itself to."""
    offline = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else importing it reaches for the network
    run = subprocess.run([python, "-c", LITELLM], capture_output=True, text=True, check=True, env=offline)
    theirs = json.loads(run.stdout.strip().splitlines()[-1])
    return {
        "LiteLLM simple-shuffle, 3 deployments: median us": theirs["3"][0],
        "LiteLLM simple-shuffle, 3 deployments: p99 us": theirs["3"][1],
        "LiteLLM simple-shuffle, 100 deployments: median us": theirs["100"][0],
        "ratio route_task 10 over LiteLLM 3 (at most 1)": ours["route_task, 10 candidates: median us"] / theirs["3"][0],
        "ratio route_task 10 p99 over LiteLLM 3 p99 (at most 4)": ours["route_task, 10 candidates: p99 us"]
        / theirs["3"][1],
        "ratio route_task 100 over LiteLLM 100 (at most 1)": ours["route_task, 100 candidates: median us"]
        / theirs["100"][0],
        "ratio LiteLLM 3 over pick (at least 10)": theirs["3"][0] / ours["pick prepared, 3 arms: median us"],
    }


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--litellm", metavar="PYTHON", help="interpreter of an environment that holds LiteLLM")
    parser.add_argument("--full", action="store_true", help="a million decisions through route_many")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    options = parser.parse_args()
    found = figures(full=options.full)
    if options.litellm:
        found |= beside(options.litellm, found)
    lines = [f"{name:<60} {value:12,.2f}" for name, value in found.items()]
    sys.stdout.write((json.dumps(found, indent=2) if options.json else "\n".join(lines)) + "\n")


if __name__ == "__main__":
    main()
