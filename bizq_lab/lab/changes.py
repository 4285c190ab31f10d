"""How a lab changes what production routes by: experiments, weights, publishing. Decides nothing itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bizq_lab.config import RoutingConfig, load_config
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import InputError
from bizq_lab.lab.parts import Parts

if TYPE_CHECKING:
    from bizq_lab.config.exporters import Export
    from bizq_lab.core.decision import CostEstimate
    from bizq_lab.experiments import ModelABTester
    from bizq_lab.tuning import Proof, Proposal
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

    def prove(self, proposal: Proposal, **options: Any) -> Proof:
        """What a proposal is worth against what runs now, for whom it changes, and whether the log supports it."""
        from bizq_lab.tuning import prove  # noqa: PLC0415 - as in `learn`

        with self.log.held():
            return prove(self.log, self.catalog, proposal, present=self.config, **options)

    def publish(
        self, proposal: Proposal | RoutingConfig, path: str | Path, *, override: str = "", proof: Proof | None = None
    ) -> Path:
        """Write the proposal's config to a file, log the step, and route by it from now on.

        Raises:
            RetiredModel: A live config uses a model that its vendor switched off.
            UnsafeProposal: The evidence does not support it, and no override was given.
            InvalidRoutingConfig: It has expired, or the file cannot be written.
        """
        from bizq_lab.config.shippable import refuse_unshippable  # noqa: PLC0415 - as in `learn`
        from bizq_lab.tuning import publish  # noqa: PLC0415 - as in `learn`

        config = proposal if isinstance(proposal, RoutingConfig) else proposal.config
        refuse_unshippable(config, self.catalog, today=config.as_of, offline_too=True)
        publish(proposal, Path(path), sink=self.log, override=override, proof=proof, clock=self.clock, ids=self.ids)
        self.use(load_config(Path(path)))
        return Path(path)

    def rollout(self, path: str | Path, *, author: str = "", private_key: bytes | None = None) -> Rollouts:
        """The rollout of this routing config file: `start`, `check`, `promote`, `hold`, `rollback`, `history`."""
        from bizq_lab.tuning.rollout import Rollouts  # noqa: PLC0415 - as in `learn`

        sign: Callable[[RoutingConfig], RoutingConfig] | None = None
        if private_key is not None:
            from bizq_lab.config.signing import sign_config  # noqa: PLC0415 - cryptography is optional

            sign = partial(sign_config, private_key=private_key)
        return Rollouts(path=Path(path), log=self.log, catalog=self.catalog, clock=self.clock, author=author, sign=sign)

    def export(self, target: str, config: RoutingConfig | None = None) -> Export:
        """The config in force as a gateway reads it, and what that gateway cannot express.

        Args:
            target: Such as `litellm`, `portkey-oss`, `envoy`, `tensorzero` or `typescript`, or a plug-in's.
            config: Another config.

        Raises:
            InputError: There is no config in force, or no such target.
            OfflineConfig: The config is for study.
            RetiredModel: One of its models was switched off by its vendor.
            InvalidRoutingConfig: It has expired.
        """
        from bizq_lab.config.exporters import export  # noqa: PLC0415 - only exports need it

        routing = config or self.config
        if routing is None:
            raise InputError("no config is in force", hint="publish one, or pass one")
        today = datetime.fromtimestamp(self.clock.now_us() / 1_000_000, UTC).date()
        return export(routing, self.catalog, target, today=today)
