"""A world with known truth for adaptive routing: models whose success rates may drift. Knows no statistics."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bizq_lab.config import AdaptivePolicy, RoutingConfig, TaskRouting
from bizq_lab.core.ids import derived_seed
from bizq_lab.core.snapshot import Evidence, History, Snapshot
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.routing import AITaskRouter
from tests.support.routing_catalog import TODAY, catalog, model, task_type

KEYS = ("a/base", "b/second", "c/third", "d/fourth")
TYPE = "work.write"
BATCH = 20  # decisions between two looks at the log
CONTEXT = RoutingContext(workspace_id="w")
POLICY = AdaptivePolicy(kind="thompson", floor=0.02, draws=1_000)
WORLD = catalog(
    tuple(model(key, quality_prior=0.6, latency_prior_s=2.0) for key in KEYS),
    (task_type("default", KEYS[0]), task_type(TYPE, KEYS[0], value_usd=1.0)),
    {},
)


@dataclass
class Tally:
    """Successes and failures that fade: each batch of decisions halves their weight after `half_life` batches."""

    half_life: float
    counts: dict[str, list[float]] = field(default_factory=lambda: {key: [0.0, 0.0] for key in KEYS})

    def age(self) -> None:
        """One batch later."""
        fade = 0.5 ** (1.0 / self.half_life)
        for pair in self.counts.values():
            pair[0] *= fade
            pair[1] *= fade

    def evidence(self, version: str) -> Evidence:
        """As the log would report it; rates keep three decimals of a count, `effective_n` carries the decay."""
        history: dict[tuple[str, str, str], History] = {}
        for key, (good, bad) in self.counts.items():
            if good + bad > 0.01:
                n, successes = round(1_000 * (good + bad)), round(1_000 * good)
                history[TYPE, "", key] = History(n=n, successes=min(n, successes), effective_n=good + bad)
        return Evidence(version=version, history=history)


def regret(
    truth: Callable[[int], Mapping[str, float]],
    *,
    seed: int,
    decisions: int,
    policy: AdaptivePolicy | None,
    half_life: float = 40.0,
) -> float:
    """Success rate lost against always choosing the best model, summed over the decisions of one run."""
    config = RoutingConfig.build(
        catalog="memory", catalog_version=WORLD.version, as_of=TODAY, tasks={TYPE: TaskRouting(adaptive=policy)}
    )
    router, tally, chance = AITaskRouter(WORLD, config), Tally(half_life), random.Random(seed)
    snapshot, lost = Snapshot(id="0"), 0.0
    for number in range(decisions):
        if number % BATCH == 0:
            tally.age()
            snapshot = Snapshot(id=str(number), evidence=tally.evidence(str(number)))
        decision = router.route_task(
            Task(type=TYPE, id=f"{seed}/{number}"), CONTEXT, snapshot=snapshot, seed=derived_seed(seed, number)
        )
        rates = truth(number)
        chosen = decision.config.key
        lost += max(rates.values()) - rates[chosen]
        tally.counts[chosen][chance.random() >= rates[chosen]] += 1.0
    return lost


def uniform_regret(truth: Callable[[int], Mapping[str, float]], *, decisions: int) -> float:
    """Expected regret of choosing evenly."""
    return sum(max(rates.values()) - sum(rates.values()) / len(rates) for rates in map(truth, range(decisions)))


def rates(values: Sequence[float]) -> Mapping[str, float]:
    """Success rates in the order of `KEYS`."""
    return dict(zip(KEYS, values, strict=True))
