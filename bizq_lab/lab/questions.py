"""What a notebook asks a lab. Each question is analysis' own, on this lab's log; nothing is computed here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bizq_lab.config import RoutingConfig, load_config
from bizq_lab.lab.parts import Parts

if TYPE_CHECKING:
    import pandas as pd

    from bizq_lab.analysis import (
        Acceptability,
        Comparison,
        CostChange,
        DayByDay,
        Efficiency,
        Evaluation,
        Happenings,
        HealthByDay,
        ModelHealth,
        Movement,
        Performance,
        Today,
        WhatIf,
    )
    from bizq_lab.experiments import ExperimentList
    from bizq_lab.tuning import Proposal, RolloutGuardrails, RolloutHistory, RolloutList


class Questions(Parts):
    """The questions of a `Lab`."""

    def performance(self, **options: Any) -> Performance:
        """How each model does at each task type, with intervals."""
        from bizq_lab.analysis import performance  # noqa: PLC0415 - as in `learn`

        return performance(self.log, **options)

    def compare(self, *, task_type: str, **options: Any) -> Comparison:
        """Which arm is better at a task type, and how sure that is."""
        from bizq_lab.analysis import compare  # noqa: PLC0415 - as in `learn`

        return compare(self.log, task_type=task_type, **options)

    def efficiency(self, **options: Any) -> Efficiency:
        """What a success costs, arm by arm, cheapest first."""
        from bizq_lab.analysis import efficiency  # noqa: PLC0415 - as in `learn`

        return efficiency(self.log, catalog=self.catalog, **options)

    def acceptability(self, *, task_type: str, **options: Any) -> Acceptability:
        """Which arm is best, for every worth of a success."""
        from bizq_lab.analysis import acceptability  # noqa: PLC0415 - as in `learn`

        return acceptability(self.log, catalog=self.catalog, task_type=task_type, **options)

    def what_if(
        self, config: RoutingConfig | str | Path | None, *, task_type: str | None = None, limit: int | None = None
    ) -> WhatIf:
        """What another config would have decided for the log's tasks; nothing is executed. None means the rules."""
        from bizq_lab.analysis import what_if  # noqa: PLC0415 - as in `learn`

        return what_if(
            self.log, self.catalog, _loaded(config), evidence=self._evidence, task_type=task_type, limit=limit
        )

    def evaluate(
        self,
        config: RoutingConfig | str | Path | None,
        *,
        against: RoutingConfig | str | Path | None = "logged",
        **options: Any,
    ) -> Evaluation:
        """What another config would have cost and scored; None means the rules, `"logged"` what ran."""
        from bizq_lab.analysis import evaluate  # noqa: PLC0415 - as in `learn`

        if against != "logged":
            options["against"] = _loaded(against)
        with self.log.held():
            return evaluate(self.log, self.catalog, _loaded(config), evidence=self._evidence, **options)

    def movement(self, **options: Any) -> Movement:
        """What moved since the window before, task type by task type."""
        from bizq_lab.analysis import movement  # noqa: PLC0415 - statistics load when they are needed

        return movement(self.log, **options)

    def cost_change(self, **options: Any) -> CostChange:
        """Why a window cost more, or less, than the one before it, to the nano-dollar."""
        from bizq_lab.analysis import cost_change  # noqa: PLC0415 - statistics load when they are needed

        return cost_change(self.log, **options)

    def day_by_day(self, **options: Any) -> DayByDay:
        """How each task type did on each UTC day."""
        from bizq_lab.analysis import day_by_day  # noqa: PLC0415 - statistics load when they are needed

        return day_by_day(self.log, **options)

    def happenings(self, **options: Any) -> Happenings:
        """What people and checks did: config steps, experiments, alerts."""
        from bizq_lab.analysis import happenings  # noqa: PLC0415 - statistics load when they are needed

        return happenings(self.log, **options)

    def today(self) -> Today:
        """How the UTC day goes so far, beside the days before it."""
        from bizq_lab.analysis import today  # noqa: PLC0415 - as in `learn`

        return today(self.log, now_us=self.clock.now_us())

    def experiments(self) -> ExperimentList:
        """Every experiment of the log, and what has become of it."""
        from bizq_lab.experiments import experiments  # noqa: PLC0415 - as in `learn`

        return experiments(self.log)

    def rollouts(self) -> RolloutList:
        """Every rollout of the log, and where it stands."""
        from bizq_lab.tuning import rollouts  # noqa: PLC0415 - as in `learn`

        return rollouts(self.log)

    def rollout_history(self, rollout: str = "") -> tuple[RolloutHistory, RolloutGuardrails]:
        """The steps of a rollout (by default the one begun last), and what its last look saw."""
        from bizq_lab.tuning import rollout_history  # noqa: PLC0415 - as in `learn`

        return rollout_history(self.log, rollout)

    def model_health(self, *, now_us: int | None = None, **options: Any) -> ModelHealth:
        """Score of each model, 0 to 100, against its own past; as of an instant, UTC microseconds, by default now."""
        from bizq_lab.analysis import model_health  # noqa: PLC0415 - as in `learn`

        return model_health(self.log, now_us=self.clock.now_us() if now_us is None else now_us, **options)

    def health_by_day(self, *, now_us: int | None = None, **options: Any) -> HealthByDay:
        """The same score of each model on each UTC day, up to an instant, UTC microseconds, by default now."""
        from bizq_lab.analysis import health_by_day  # noqa: PLC0415 - as in `learn`

        return health_by_day(self.log, now_us=self.clock.now_us() if now_us is None else now_us, **options)

    def tune(self, **options: Any) -> Proposal:
        """Weights that the log supports, within budget and floors."""
        from bizq_lab.tuning import tune  # noqa: PLC0415 - as in `learn`

        with self.log.held():
            return tune(self.log, self.catalog, config=self.config, **options)

    def sql(self, text: str) -> pd.DataFrame:
        """One read-only SELECT over the log's tables and views."""
        return self.log.sql(text)


def _loaded(config: RoutingConfig | str | Path | None) -> RoutingConfig | None:
    return config if isinstance(config, RoutingConfig) or config is None else load_config(Path(config))
