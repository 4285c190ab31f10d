"""Experiments as the log knows them: registered, started, stopped, looked at, read. Executes no task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.analysis import take_look
from bizq_lab.core.noun import Noun
from bizq_lab.errors import NotEnoughData
from bizq_lab.experiments.online import with_experiment, without_experiment
from bizq_lab.experiments.plan import ExperimentPlan
from bizq_lab.experiments.reading import result, watched
from bizq_lab.tuning import publish

if TYPE_CHECKING:
    from bizq_lab.analysis import Comparison, Watch
    from bizq_lab.catalog import Catalog
    from bizq_lab.config import RoutingConfig
    from bizq_lab.core.protocols import Clock, IdSource
    from bizq_lab.core.result import Cell
    from bizq_lab.store import Log

US_PER_S = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Registry(Noun):
    """The experiments of one log.

    Attributes:
        log: Where plans are registered and answers are read.
        catalog: Declares sample sizes and margins.
        clock: Wall time of the record, and the deadline's monotonic time.
        ids: Where event ids come from.
    """

    log: Log
    catalog: Catalog
    clock: Clock
    ids: IdSource

    def facts(self) -> dict[str, Cell]:
        """Where experiments are registered."""
        return {"log": str(self.log.path), "catalog": self.catalog.name}

    def register(self, plan: ExperimentPlan, status: str = "running") -> None:
        """Write a change of state; the first one is the pre-registration."""
        self.log.append(plan.event(status, event_id=self.ids("evt"), recorded_at_us=self.clock.now_us()))

    def registered(self, experiment: str) -> ExperimentPlan:
        """The plan of an experiment, as it was registered before its first task.

        Raises:
            NotEnoughData: The log has no such experiment.
        """
        rows = self.log.query("experiments", experiment=experiment)
        if not rows:
            known = [row["experiment"] for row in self.log.query("experiments", experiment=None)]
            message = f"no experiment {experiment!r} in the log"
            raise NotEnoughData(message, hint=f"known: {', '.join(known[-5:]) or 'none'}")
        return ExperimentPlan.from_row(rows[0])

    def start(self, plan: ExperimentPlan, present: RoutingConfig, path: str | Path) -> RoutingConfig:
        """Split live traffic by the plan's weights from now on: registered first, then published.

        Args:
            plan: Of a randomised design.
            present: What runs now.
            path: The routing config file to write.

        Raises:
            InputError: The plan is paired, or runs already.
            UnknownModel: An arm is neither the config's nor a model.
            InvalidRoutingConfig: Another experiment runs on the task type, or the config has expired.
        """
        config = with_experiment(present, plan, self.catalog, as_of=self._today())
        self.register(plan)
        return publish(config, path, present=present, sink=self.log, clock=self.clock, ids=self.ids)

    def stop(
        self, experiment: str, present: RoutingConfig, path: str | Path, *, reason: str = "asked"
    ) -> RoutingConfig:
        """End a split: its traffic goes where weights and rules say. What was logged stays.

        Raises:
            InputError: The experiment is not in the config.
            NotEnoughData: The log does not know it.
        """
        config = without_experiment(present, experiment, as_of=self._today())
        plan = self.registered(experiment)
        publish(config, path, present=present, sink=self.log, clock=self.clock, ids=self.ids)
        self.register(plan, f"stopped_{reason}" if reason else "stopped")
        return config

    def watch(self, experiment: str, *, as_of_us: int | None = None) -> Watch:
        """Look at an experiment, and log the look: intervals that hold at all looks, and whether to stop (S30).

        Args:
            experiment: Registered in this log.
            as_of_us: The instant to look at; by default now.

        Raises:
            NotEnoughData: The log does not know the experiment, or has no outcome of it yet.
        """
        at_us = self.clock.now_us() if as_of_us is None else as_of_us
        with self.log.held():
            return take_look(self.log, watched(self.registered(experiment)), as_of_us=at_us, sink=self.log)

    def analyze(self, experiment: ExperimentPlan | str) -> Comparison:
        """Read the answer from the log alone, by the plan that was registered there.

        A plan that may be looked at whenever one likes is read by its confidence sequences, and says so; a plan of a
        fixed size is read once.

        Args:
            experiment: Its id; or a plan, which need not be in this log.

        Raises:
            NotEnoughData: The log does not know the experiment, or fewer than two arms have outcomes.
        """
        return result(self.log, self.registered(experiment) if isinstance(experiment, str) else experiment)

    def _today(self) -> date:
        return datetime.fromtimestamp(self.clock.now_us() / US_PER_S, UTC).date()
