"""The log's traffic, read for off-policy evaluation from one state of it. Knows two queries and no estimator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bizq_lab.analysis.codes import coded
from bizq_lab.analysis.traffic import Kind, Row, Traffic

if TYPE_CHECKING:
    from bizq_lab.analysis.cells import Window
    from bizq_lab.store import Log

BATCHED_FROM = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """Decisions of a task type that no weight can speak for.

    Attributes:
        fixed: Left nothing to chance: every other arm had no probability.
        unpropensed: Carry no propensity, such as imported ones.
        pending: Have no outcome yet.
    """

    fixed: int = 0
    unpropensed: int = 0
    pending: int = 0


def read_traffic(
    log: Log,
    window: Window,
    *,
    by_input: bool,
    by_unit: bool,
    capped: frozenset[str],
    task_types: Iterable[str] | None = None,
) -> tuple[list[Traffic], dict[str, Unusable]]:
    """Randomised and paired decisions of the window, and what of each task type is neither.

    Above 200,000 decisions the units are put into 4,096 random batches, which vary as clusters do (Wolter 2007,
    "Introduction to variance estimation", ch. 2), so that a long log needs no more memory than a middling one.

    Args:
        log: The log.
        window: Which part of it; workspaces are not told apart.
        by_input: Whether the policy depends on the task's input.
        by_unit: Whether it depends on the unit.
        capped: Arms that are told apart by their own token limit.
        task_types: Only these; None means all.
    """
    params = {name: value for name, value in window.params().items() if name != "workspace_id"}
    params |= {"by_input": by_input, "by_unit": by_unit}
    wanted = None if task_types is None else frozenset(task_types)
    offers: dict[tuple[str, str], dict[str, Row]] = {}
    with log.held():
        for row in log.query("offers", **params):
            if wanted is None or row["task_type"] in wanted:
                offers.setdefault((row["task_type"], row["design"]), {})[row["offer"]] = row
        size = sum(row["n"] for (_, design), own in offers.items() if design == "randomised" for row in own.values())
        paired = any(design == "paired" for _, design in offers)
        columns = log.columns("policy_sums", **params, batched=size > BATCHED_FROM, paired=paired)
    traffic = _parted(columns, offers, capped)
    types = dict.fromkeys(task_type for task_type, _ in offers)
    return traffic, {
        name: _unusable([row for key, own in offers.items() if key[0] == name for row in own.values()])
        for name in types
    }


def _parted(
    columns: dict[str, NDArray[Any]], offers: Mapping[tuple[str, str], Mapping[str, Row]], capped: frozenset[str]
) -> list[Traffic]:
    """Columns of `policy_sums.sql`, by task type and design, in the order of their offers."""
    _, clusters = coded(columns.pop("cluster").tolist())
    keys = [columns.pop(name).tolist() for name in ("task_type", "design", *Kind._fields)]
    kinds, kind = coded(zip(*keys, strict=True))
    codes: dict[tuple[str, str], list[int]] = {}
    for code, (task_type, design, *_) in enumerate(kinds):
        codes.setdefault((task_type, design), []).append(code)
    found = []
    for key, own in offers.items():
        if key not in codes:
            continue
        entries = np.isin(kind, codes[key])
        found.append(
            Traffic(
                task_type=key[0],
                design=key[1],
                kinds=tuple(Kind(*kinds[code][2:]) for code in codes[key]),
                kind=np.searchsorted(codes[key], kind[entries]),
                clusters=clusters[entries],
                sums={name: values[entries] for name, values in columns.items()},
                offers=own,
                capped=capped,
            )
        )
    return found


def _unusable(rows: Sequence[Row]) -> Unusable:
    return Unusable(
        fixed=sum(row["n"] - row["unpropensed"] for row in rows if row["design"] not in ("randomised", "paired")),
        unpropensed=sum(row["unpropensed"] for row in rows if row["design"] != "paired"),
        pending=sum(row["pending"] for row in rows if row["design"] in ("randomised", "paired")),
    )
