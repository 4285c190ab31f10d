"""Do off-policy intervals cover? Policies that can really be replayed, valued from logs in which chance chose.

`python -m tests.calibration.policies [logs]` prints the table as Markdown. Tasks are drawn with replacement together
with their actions; the truth is what the policy earns when it is really replayed on every task.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bizq_lab.analysis.policy_value import Decided, value_policy
from bizq_lab.catalog import load_catalog
from tests.calibration.rows import Role, Row, markdown
from tests.support.outcome_pools import RECORDED, Floats, Pool, recorded_pool, world_pool

SEED = 20_261_127
LOGS = 500
MODELS = ("openai/gpt-6-luna", "openai/gpt-6.1-terra", "anthropic/claude-haiku-5-5", "anthropic/claude-opus-5-5")
TYPES = ("content.create_social_post", "customer.process_return", "order.process_batch", "product.research_trending")
SHOWN = ("SNIPS", "IPS")
VALUE_USD = 0.05


def logging_shares(pool: Pool, *, floor: float) -> Floats:
    """What production might run: mostly one model, another one in each task type, and a floor for all."""
    count = len(pool.models)
    shares = np.full((len(pool.types), count), floor)
    for code in range(len(pool.types)):
        shares[code, code % count] += 1.0 - floor * count
    return shares


def targets(pool: Pool) -> dict[str, Floats]:
    """Policies to value: the best model of each task type, a tilted mixture, and the best single model."""
    net = pool.means(pool.rewards(VALUE_USD)["net benefit"])
    count = len(pool.models)
    best = np.eye(count)[net.argmax(axis=1)]
    tilted = 0.7 * best + 0.3 / count
    single = np.eye(count)[[int(pool.quality.mean(axis=0).argmax())] * len(pool.types)]
    return {"best of each type": best, "70 % best, rest equal": tilted, "one model for all": single}


def drawn(
    pool: Pool, shares: Floats, rng: np.random.Generator, *, size: int, workspaces: int | None
) -> tuple[NDArray[np.intp], Decided]:
    """One log: tasks with replacement; the arm sticks to the task, or to the workspace within a task type."""
    tasks = rng.integers(0, pool.kind.size, size)
    kind = pool.kind[tasks]
    cluster = np.arange(size) if workspaces is None else rng.integers(0, workspaces, size)
    luck = rng.random((len(pool.types), int(cluster.max()) + 1))[kind, cluster]
    action = (luck[:, None] > shares[kind].cumsum(axis=1)).sum(axis=1).clip(max=len(pool.models) - 1)
    decided = Decided(
        cell=kind,
        action=action,
        actions=len(pool.models),
        propensity=shares[kind, action],
        cluster=cluster,
        size=np.ones(size),
    )
    return tasks, decided


def study(
    name: str, pool: Pool, *, logs: int, size: int, floor: float, workspaces: int | None = None, seed: int = SEED
) -> Iterator[Row]:
    """Coverage of every policy and metric, in `logs` logs of `size` decisions."""
    shares, rng = logging_shares(pool, floor=floor), np.random.default_rng(seed)
    rewards, policies = pool.rewards(VALUE_USD), targets(pool)
    truth = {(p, m): pool.replayed(x, r) for p, x in policies.items() for m, r in rewards.items()}
    hits = {(p, m, e): 0 for p, m in truth for e in ("DR", *SHOWN)}
    for _ in range(logs):
        tasks, decided = drawn(pool, shares, rng, size=size, workspaces=workspaces)
        folds = decided.folds(seed)
        for policy, target in policies.items():
            for metric, reward in rewards.items():
                found = value_policy(decided, reward[tasks, decided.action], target[decided.cell], folds).values
                for estimator in ("DR", *SHOWN):
                    interval = found[estimator].estimate
                    hits[policy, metric, estimator] += interval.lower <= truth[policy, metric] <= interval.upper
    for (policy, metric, estimator), count in hits.items():
        role: Role = "ours" if estimator == "DR" else "shown"
        yield Row(f"{name}: {policy}, {metric}", estimator, "coverage", 0.95, count, logs, role)


def world(*, tasks: int = 3_000) -> Pool:
    """Four task types and four models of a simulated world."""
    return world_pool(11, load_catalog("current"), TYPES, MODELS, tasks=tasks)


def run(logs: int = LOGS, *, tasks: int = 3_000) -> list[Row]:
    """Every setting; the recorded one only where its data is."""
    pool = world(tasks=tasks)
    rows = [
        *study("world, by task", pool, logs=logs, size=2_000, floor=0.08),
        *study("world, 120 workspaces", pool, logs=logs, size=4_000, floor=0.12, workspaces=120),
    ]
    if RECORDED.exists():
        real = recorded_pool()
        rows += study("recorded, by prompt", real, logs=logs, size=real.kind.size, floor=0.05)
        rows += study("recorded, even log", real, logs=logs, size=real.kind.size, floor=0.125)
    return rows


def kept(row: Row) -> bool:
    """The promise of off-policy intervals: nominal less three Monte-Carlo standard errors."""
    return row.simulated >= row.nominal - 3 * row.standard_error


def main() -> None:
    """Print the table, and fail when the answering estimator breaks its promise."""
    rows = run(int(sys.argv[1]) if len(sys.argv) > 1 else LOGS)
    sys.stdout.write(markdown(rows) + "\n")
    sys.exit(any(row.role == "ours" and not kept(row) for row in rows))


if __name__ == "__main__":
    main()
