"""A/A through the whole product: two arms that are the same model, routed, executed with failover, logged, compared.

`python -m tests.calibration.equal_arms [experiments]` (or `make equal`) runs 2,000. A winner of any kind is false here,
`non_inferior_cheaper` included, since the arms cost the same. Calls fail in one of eight cases, whichever the arm, so
that other models answer for both; what they do is charged to the arm that was assigned.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bizq_lab.catalog import Catalog, load_catalog
from bizq_lab.catalog.tasks import load_tasks
from bizq_lab.config import ArmSpec, RoutingConfig
from bizq_lab.core.execution import ProviderCall, ProviderReply
from bizq_lab.core.seeded import SeededClock, SeededIds
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import ProviderError
from bizq_lab.experiments import ExperimentPlan
from bizq_lab.experiments.online import with_experiment
from bizq_lab.lab import Lab
from bizq_lab.simulate import SimulatedProvider, World
from bizq_lab.simulate.draws import uniforms
from tests.calibration.rows import Row, markdown

DAY = date(2026, 11, 1)
TYPE = "customer.process_return"
ALPHA, SEED = 0.05, 20_261_127
MODEL = "openai/gpt-6-luna"
ARMS = ("first", "second")
OUTAGES = 1 / 8
BETWEEN_S = 45.0  # tasks arrive that far apart, so that breakers close again
FALSE = ("winner", "non_inferior_cheaper")
BATCH = 40  # experiments in one log
LOOKS = 4


class Twins(SimulatedProvider):
    """One model under two names: what it draws is independent between arms, and equal in law."""

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """The world's answer, or an outage that it knows nothing of."""
        who = "" if call.task is None else call.task.id
        fault, luck = uniforms(2, self.world.seed, "twins", who, call.arm, call.repeat, call.ordinal)
        if fault < OUTAGES:
            message = f"outage of {call.config.key}"
            raise ProviderError(message, error_class="overloaded", response_time_s=0.3)
        return await super().complete(replace(call, repeat=int(luck * 2**40)))


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How an experiment is run and read; what is not said is the plan's own default."""

    name: str
    wishes: Mapping[str, Any]
    tasks: int
    workspaces: int = 0


_SPLIT = {"design": "randomised", "reading": "fixed"}
BY_TASK = Setting(
    name="split by task, 40 an arm",
    wishes={**_SPLIT, "unit": "task", "sample_size": 40},
    tasks=80,
)
BY_WORKSPACE = Setting(
    name="split by workspace, 40 with 3 tasks each",
    wishes={**_SPLIT, "unit": "workspace", "sample_size": 60},
    tasks=120,
    workspaces=40,
)
PAIRED = Setting(name="paired, 40 tasks", wishes={"sample_size": 40}, tasks=40)
WATCHED = Setting(
    name="split by task, looked at 4 times",
    wishes={"design": "randomised", "unit": "task", "sample_size": 40},
    tasks=80,
)
SETTINGS = (BY_TASK, BY_WORKSPACE, PAIRED, BY_TASK, BY_WORKSPACE, PAIRED, BY_TASK, WATCHED)
PRIMARY = ("success", "quality")


def laboratory(folder: Path, seed: int) -> Lab:
    """A lab in which both arms are one model, over a world of its own."""
    catalog: Catalog = load_catalog("current", as_of=DAY)
    provider = Twins(World(seed, catalog))
    arms = {arm: ArmSpec(model=MODEL) for arm in ARMS}
    return Lab.open(
        folder / "lab.duckdb",
        catalog=catalog,
        config=RoutingConfig.start(catalog, arms=arms, tasks={}, as_of=DAY, produced_by="tests"),
        providers=dict.fromkeys((entry.provider for entry in catalog.models.values()), provider),
        clock=SeededClock(DAY),
        ids=SeededIds(seed),
        seed=seed,
        payloads="hash",
    )


def arrivals(setting: Setting, experiment: str) -> list[tuple[Task, RoutingContext]]:
    """Tasks and who asks; a workspace asks for a task of its own again, and each is as hard as before."""
    found, bundled = [], load_tasks(TYPE)
    for number in range(setting.tasks):
        where = number % setting.workspaces if setting.workspaces else number
        key = f"{experiment}-{where}"
        some = bundled[where % len(bundled)]
        task = Task(type=TYPE, input=some.input, expected=some.expected, key=key, id=f"{key}-{number}")
        found.append((task, RoutingContext(workspace_id=f"ws{where % 40}")))
    return found


def run(lab: Lab, setting: Setting, plan: ExperimentPlan) -> None:
    """Everything that happens before the answer is read."""
    tester, traffic = lab.experiment(), arrivals(setting, plan.experiment)
    if plan.design == "paired":
        lab.executor.wait(tester.run_plans([plan], [task for task, _ in traffic]))
        return
    base = lab.config
    assert base is not None
    tester.register(plan)
    lab.use(with_experiment(base, plan, lab.catalog, as_of=DAY))
    for number, (task, context) in enumerate(traffic, start=1):
        lab.run(task, context)
        assert isinstance(lab.clock, SeededClock)
        lab.clock.advance(BETWEEN_S)
        if plan.reading == "anytime" and number % (setting.tasks // LOOKS) == 0 and tester.watch(plan.experiment).stop:
            break
    lab.use(base)


def batch(seed: int, size: int) -> Counter[tuple[str, str]]:
    """Several experiments in one log: how many ended in which verdict, by setting."""
    found: Counter[tuple[str, str]] = Counter()
    with TemporaryDirectory() as folder, laboratory(Path(folder), seed) as lab:
        plans: list[tuple[Setting, ExperimentPlan]] = []
        for number in range(size):
            setting, primary = SETTINGS[number % len(SETTINGS)], PRIMARY[number // len(SETTINGS) % 2]
            name = f"aa-{seed}-{number}"
            wishes = {"primary_metric": primary, "alpha": ALPHA, "experiment": name, **setting.wishes}
            with lab.log.held():
                tasks = [task for task, _ in arrivals(setting, name)]
                plans.append((setting, lab.experiment().plan(TYPE, ARMS, tasks=tasks, **wishes)))
        for setting, plan in plans:
            run(lab, setting, plan)
        with lab.log.held():
            for setting, plan in plans:
                found[setting.name, lab.experiment().analyze(plan).verdict] += 1
        rescued = lab.sql("SELECT count(*) AS n FROM task_outcome WHERE failed_over AND status = 'completed'")
        found["", "rescued"] += int(rescued["n"].sum())
    return found


def batches(experiments: int) -> Iterator[tuple[int, int]]:
    """Seed and size of each log."""
    for number in range(-(-experiments // BATCH)):
        yield SEED + number, min(BATCH, experiments - number * BATCH)


def study(experiments: int, *, workers: int = 1) -> Counter[tuple[str, str]]:
    """All of them, over several processes, telling stderr how far they are."""
    seeds, sizes = zip(*batches(experiments), strict=True)
    found: Counter[tuple[str, str]] = Counter()
    with ProcessPoolExecutor(workers) as pool:
        for done in pool.map(batch, seeds, sizes):
            found += done
            whole = rows(found)[-1]
            sys.stderr.write(f"{whole.replications:,} of {experiments:,}: {whole.hits} winners\n")
    return found


def rows(found: Mapping[tuple[str, str], int]) -> list[Row]:
    """False winners of each setting, and of all together."""
    verdicts = {key: n for key, n in found.items() if key[1] != "rescued"}
    settings = list(dict.fromkeys(setting.name for setting in SETTINGS))
    lines = []
    for name, own in [(name, (name,)) for name in settings] + [("all together", tuple(settings))]:
        n = sum(count for (where, _), count in verdicts.items() if where in own)
        false = sum(count for (where, said), count in verdicts.items() if where in own and said in FALSE)
        if n:
            lines.append(Row(f"A/A: {name}", "verdict", "type I error", ALPHA, false, n))
    return lines


def keeps(row: Row) -> bool:
    """At most alpha and three Monte-Carlo standard errors: no point of grace."""
    return row.simulated <= row.nominal + 3 * row.standard_error


def main(experiments: int = 2_000, workers: int = 2) -> None:
    """Print the table and the verdicts behind it; fail where there are too many winners."""
    found = study(experiments, workers=workers)
    lines: Sequence[Row] = rows(found)
    said: Counter[str] = Counter()
    for (_, verdict), n in found.items():
        said[verdict] += n
    rescued = said.pop("rescued")
    sys.stdout.write(f"{experiments:,} experiments\n{markdown(lines)}\n")
    sys.stdout.write(", ".join(f"{verdict} {n:,}" for verdict, n in said.most_common()))
    sys.stdout.write(f"; {rescued:,} tasks were answered by another model\n")
    sys.exit(not all(map(keeps, lines)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
