"""How a lab changes what production routes by: experiments, weights, publishing. Decides nothing itself."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bizq_lab.config import RoutingConfig, load_config
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.lab.parts import Parts

if TYPE_CHECKING:
    from bizq_lab.core.decision import CostEstimate
    from bizq_lab.experiments import ModelABTester
    from bizq_lab.tuning import Proposal
    from bizq_lab.tuning.rollout import Rollouts


class Changes(Parts):
    """What a `Lab` tests and ships."""

    @abstractmethod
    def use(self, config: RoutingConfig | None) -> None:
        """Route by this config from now on; None means the rules alone."""

    def experiment(self, **options: Any) -> ModelABTester:
        """A tester that runs through this lab."""
        from bizq_lab.experiments import ModelABTester  # noqa: PLC0415 - as in `learn`

        return ModelABTester(
            runner=self.service,
            log=self.log,
            catalog=self.catalog,
            clock=self.clock,
            ids=self.ids,
            wait=self.executor.wait,
            quote=self._quote,
            seed=self.seed,
            **options,
        )

    def _quote(self, task: Task, arm: str) -> CostEstimate:
        """What this arm is expected to take for this task, by the router's own estimate."""
        context = RoutingContext(workspace_id="experiments")
        decision = self.service.router.route_task(task, context, snapshot=self.snapshot(context), arm=arm)
        return decision.estimate

    def publish(self, proposal: Proposal | RoutingConfig, path: str | Path, *, override: str = "") -> Path:
        """Write the proposal's config to a file, log the step, and route by it from now on."""
        from bizq_lab.tuning import publish  # noqa: PLC0415 - as in `learn`

        publish(proposal, Path(path), sink=self.log, override=override, clock=self.clock, ids=self.ids)
        self.use(load_config(Path(path)))
        return Path(path)

    def rollout(self, path: str | Path, *, author: str = "") -> Rollouts:
        """The rollout of this routing config file: `start`, `check`, `promote`, `hold`, `rollback`, `history`."""
        from bizq_lab.tuning.rollout import Rollouts  # noqa: PLC0415 - as in `learn`

        return Rollouts(path=Path(path), log=self.log, catalog=self.catalog, clock=self.clock, author=author)
