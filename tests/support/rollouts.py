"""A rollout over a real log with a clock of its own, and hours of outcomes that fall as told. Asserts nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bizq_lab.config import RoutingConfig, load_config, pick, save_config
from bizq_lab.core.seeded import SeededClock
from bizq_lab.store import Log
from bizq_lab.tuning import Guardrail, Rollouts
from tests.support.analysis_log import Stream
from tests.support.lab_small import DAY, TYPE, catalog, start

HOUR_S = 3600
UNITS = 240
LOOSE = (  # cleared by few outcomes
    Guardrail(metric="quality", margin=0.15),
    Guardrail(metric="failures", margin=0.12),
    Guardrail(metric="latency", margin=0.4),
)


@dataclass
class Stage:
    """A routing file, a log and a clock."""

    folder: Path
    log: Log
    weights: dict[str, int] = field(default_factory=lambda: {"plain": 100})
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Publish what runs before the rollout."""
        self.clock = SeededClock(DAY)
        self.path = self.folder / "routing.json"
        self.baseline = start(self.weights, **self.changes)
        save_config(self.baseline, self.path)
        self.stream = Stream(self.log, task_type=TYPE, design="randomised", policy="weights")
        self.random, self.hash = random.Random(7), ""

    @property
    def desk(self) -> Rollouts:
        """The rollout as anybody would open it."""
        return Rollouts(path=self.path, log=self.log, catalog=catalog(), clock=self.clock, author="tests")

    def begin(self, **options: Any) -> None:
        """Start `luna` at 25 %."""
        self.desk.start(
            **{
                "task_type": TYPE,
                "arm": "luna",
                "ramp": (25, 50, 100),
                "override": "a test",
                "guardrails": LOOSE,
                **options,
            }
        )

    @property
    def config(self) -> RoutingConfig:
        """What production reads now."""
        return load_config(self.path)

    def day(
        self,
        *,
        per_unit: int = 1,
        failing: float = 0.05,
        quality: float = 0.8,
        slower: float = 1.0,
        split: float | None = None,
    ) -> None:
        """A day of traffic by the config in force; what `luna` does to it is told.

        Args:
            per_unit: Decisions of each unit.
            failing: How often `luna` fails; the rest fail 5 % of the time.
            quality: Of `luna`'s answers; the rest have 0.8.
            slower: Times as slow as the rest.
            split: Ignore the hash, and give `luna` this share of the units.
        """
        self.hash, routing = self.config.hash, self.config.tasks[TYPE]
        total = sum(routing.weights.values())
        candidates = [{"arm": arm, "propensity": share / total} for arm, share in sorted(routing.weights.items())]
        for number in range(UNITS):
            unit = f"ws_{number}"
            arm = pick(routing.weights, salt=routing.salt or TYPE, unit=unit)
            if split is not None:
                arm = "luna" if number < split * UNITS else "plain"
            for _ in range(per_unit):
                self._one(unit, arm, routing.stage, candidates, failing, quality, slower)
        self.clock.advance(24 * HOUR_S)

    def _one(  # noqa: PLR0917 - private
        self,
        unit: str,
        arm: str,
        stage: str,
        candidates: list[dict[str, Any]],
        failing: float,
        quality: float,
        slower: float,
    ) -> None:
        ramping = arm == "luna"
        failed = self.random.random() < (failing if ramping else 0.05)
        share = next(c["propensity"] for c in candidates if c["arm"] == arm)
        mean = (quality if ramping else 0.8) + self.random.uniform(-0.1, 0.1)
        decision = self.stream.decide(
            arm=arm,
            task=f"t{unit}",
            unit=unit,
            workspace_id=unit,
            stage=stage,
            candidates=candidates,
            propensity_ppb=round(share * 1e9),
            recorded_at_us=self.clock.now_us(),
            config_hash=self.hash,
        )
        seconds = self.random.lognormvariate(0.0, 0.4) * (slower if ramping else 1.0)
        self.stream.finish(
            decision,
            succeeded=not failed,
            quality=0.0 if failed else mean,
            latency_s=seconds,
            recorded_at_us=self.clock.now_us(),
        )

    def audit(self) -> list[dict[str, Any]]:
        """Steps as logged."""
        self.log.collect()
        frame = self.log.sql(
            "SELECT action, author, config_hash, override, evidence FROM config_version ORDER BY recorded_at_us, action"
        )
        return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
