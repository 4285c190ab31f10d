"""What a notebook asks a lab. Each question is analysis' own, on this lab's log; nothing is computed here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bizq_lab.config import RoutingConfig, load_config
from bizq_lab.lab.parts import Parts

if TYPE_CHECKING:
    import pandas as pd

    from bizq_lab.analysis import Comparison, Efficiency, Performance, WhatIf


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

    def what_if(
        self, config: RoutingConfig | str | Path | None, *, task_type: str | None = None, limit: int | None = None
    ) -> WhatIf:
        """What another config would have decided for the log's tasks; nothing is executed. None means the rules."""
        from bizq_lab.analysis import what_if  # noqa: PLC0415 - as in `learn`

        other = config if isinstance(config, RoutingConfig) or config is None else load_config(Path(config))
        return what_if(self.log, self.catalog, other, evidence=self._evidence, task_type=task_type, limit=limit)

    def sql(self, text: str) -> pd.DataFrame:
        """One read-only SELECT over the log's tables and views."""
        return self.log.sql(text)
