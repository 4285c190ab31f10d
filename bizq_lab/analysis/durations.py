"""How long outcomes took, as the histograms of the log's cells, read in one pass. Knows no interval.

They are read by columns: a long log has thousands of bins for each cell, and a Python object for each of their numbers
took a twentieth of the time of a whole comparison of ten million outcomes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bizq_lab.analysis.cells import KEY, Key
from bizq_lab.analysis.extent import Conditions, Window
from bizq_lab.analysis.naming import NAMED, Names, ask_by_names
from bizq_lab.core.decision import Design
from bizq_lab.stats.histogram import Histogram

if TYPE_CHECKING:
    from bizq_lab.store import Log


def read_durations(
    log: Log,
    window: Window,
    *,
    by_arm: bool,
    by_model: bool,
    by_workspace: bool,
    by_day: bool,
    served: bool,
    by_rules: bool,
    design: Design | None,
    conditions: Conditions | None = None,
) -> dict[Key, Histogram]:
    """Histograms by the key of a cell, in its order; of cells in which something answered or ran out of time.

    Args:
        log: Where to read.
        window: Which part of it.
        by_arm: Tell arms apart.
        by_model: Tell models apart.
        by_workspace: Tell workspaces apart.
        by_day: Tell UTC days apart.
        served: Charge the model that answered, not the one that was assigned (S24).
        by_rules: Whether the rules chose somewhere, where the model stands for the arm.
        design: Only outcomes of this design; None for all.
        conditions: Under which conditions they arose, if the caller knows; then they are read faster.
    """
    asked: dict[str, Any] = {
        **window.params(),
        "by_arm": by_arm,
        "by_model": by_model,
        "by_workspace": by_workspace,
        "by_day": by_day,
        "served": served,
        "by_rules": by_rules,
        "design": design,
    }
    found, names = ask_by_names(
        lambda given: log.columns("durations", **asked, **given),
        Names() if conditions is None or served or by_rules else Names.of(conditions),
        lambda found: (found[key] for key in NAMED if key in found),
    )
    edges, n, unanswered = (found[name] for name in ("bin_us", "n", "unanswered"))
    if not edges.size:
        return {}
    changes = [found[key][1:] != found[key][:-1] for key in KEY if key in found]
    begins = [0, *np.flatnonzero(np.any(changes, axis=0)) + 1]
    everywhere = {"task_type": window.task_type}
    return {
        _key(
            *(names.name(key, found[key][at]) if key in found else everywhere.get(key) or "" for key in KEY)
        ): Histogram(edges[at:end], n[at:end], unanswered[at:end])
        for at, end in zip(begins, [*begins[1:], edges.size], strict=True)
    }


def _key(task_type: str, arm: str, model: str, workspace_id: str, day: str) -> Key:
    return task_type, arm, model, workspace_id, day
