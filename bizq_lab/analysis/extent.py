"""Which part of the log a question is about, how large it is, under which conditions it arose. Knows no statistic.

Size decides how it is read. Up to 20,000 assignment units or tasks are read one by one. Beyond, they are put into 4,096
random groups, which vary as clusters do (Wolter 2007, "Introduction to Variance Estimation", ch. 2), so that a long log
needs no more memory than a middling one. Units and conditions of more than a million rows are looked up in a sample
that the log keeps apart, a sixty-fourth by a hash; conditions in no more than some 60,000 rows of it, however long the
log is. What holds for 1,200 rows, or for one in 3,000 where they are more, is missed once in a hundred million times.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from bizq_lab.core.decision import DEFAULT_ARM

if TYPE_CHECKING:
    from bizq_lab.store import Log

GROUPS = 4096  # of `task_outcome`
PART = 256  # of them are looked at first
SAMPLE = 64  # of them are kept apart, as `task_outcome_sample`
ONE_BY_ONE = 20_000  # units
ALL_CONDITIONS = 1_000_000  # rows
SOME_CONDITIONS = 60_000  # rows of the sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of the log a question is about.

    Attributes:
        task_type: Only this one; None means all.
        workspace_id: Only this one.
        experiment: Only this one; the empty string as a user writes it means all.
        from_us: Decisions at or after this instant, UTC microseconds.
        to_us: Decisions before this instant.
    """

    task_type: str | None = None
    workspace_id: str | None = None
    experiment: str | None = None
    from_us: int | None = None
    to_us: int | None = None

    def params(self) -> dict[str, Any]:
        """As the queries bind them."""
        return {
            "task_type": self.task_type,
            "workspace_id": self.workspace_id,
            "experiment": self.experiment or None,
            "from_us": self.from_us,
            "to_us": self.to_us,
        }

    def __str__(self) -> str:
        """`all`, or what it is restricted to."""
        names = {name: value for name, value in self.params().items() if value is not None and name[-3:] != "_us"}
        parts = [f"{name}={value}" for name, value in names.items()]
        ends = [
            f"{word} {datetime.fromtimestamp(end // 1_000_000, UTC):%Y-%m-%d %H:%M} UTC"
            for word, end in (("from", self.from_us), ("before", self.to_us))
            if end is not None
        ]
        return ", ".join([*parts, *ends]) or "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a window is, from a part of its units that was counted.

    Attributes:
        part_n: Decisions in that part.
        part_units: Assignment units, or tasks, in it.
        part: How many of the random groups it is.
        below: How many of the groups of decisions, in the sample, to look at for conditions; 0: all decisions.
        people: Whether tasks were handed to people, in this window or another.
    """

    part_n: int
    part_units: int
    part: int = PART
    below: int = 0
    people: bool = True

    @property
    def grouped(self) -> bool:
        """Whether units are too many to be read one by one."""
        return self.part_units * (GROUPS // self.part) > ONE_BY_ONE

    @property
    def units_looked_at(self) -> dict[str, Any]:
        """Which units a question of single ones is asked of, as queries take it: all, or those of the part."""
        return {"below": self.part if self.grouped else 0, "sampled": self.grouped and self.part == SAMPLE}

    @property
    def once(self) -> bool:
        """Whether each unit that is looked at made one decision, which is known where no more than the part is."""
        return self.grouped and self.part_units == self.part_n

    def units_of(self, n: int) -> int:
        """About how many units made `n` decisions; exactly `n` where each made one."""
        return max(round(n * self.part_units / self.part_n), min(n, 1)) if self.part_n else n


def read_size(log: Log, window: Window) -> Size:
    """Count the decisions and units of a part of the window: of the sample, and unless it is large, of a sixteenth."""
    (row,) = log.query("units", **window.params(), below=SAMPLE, sampled=True)
    part, below = SAMPLE, SAMPLE
    if row["decisions"] * (GROUPS // SAMPLE) <= ALL_CONDITIONS:
        (row,) = log.query("units", **window.params(), below=PART, sampled=False)
        part, below = PART, 0
    elif row["decisions"] > SOME_CONDITIONS:
        below = math.ceil(SAMPLE * SOME_CONDITIONS / row["decisions"])
    return Size(part_n=row["n"], part_units=row["units"], part=part, below=below, people=row["human_tasks"] > 0)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which conditions outcomes arose: rows of `conditions.sql`."""

    rows: Sequence[Mapping[str, Any]]

    def of(self, **wanted: str) -> Conditions:
        """Only rows with these values, such as `design="paired"`."""
        return Conditions([row for row in self.rows if all(row[name] == value for name, value in wanted.items())])

    def with_outcomes(self) -> Conditions:
        """Only rows under which something ended."""
        return Conditions([row for row in self.rows if row["n"]])

    @property
    def by_rules(self) -> bool:
        """Whether the rules chose somewhere."""
        return any(row["arm"] == DEFAULT_ARM for row in self.rows)

    @property
    def drawn(self) -> str:
        """What was drawn together everywhere: `unit`, `task`, or `both`."""
        kinds = {"unit" if row["design"] == "randomised" else "task" for row in self.rows}
        return kinds.pop() if len(kinds) == 1 else "both"

    @property
    def arms(self) -> frozenset[str]:
        """Arms, by the names under which they are compared."""
        return frozenset(map(arm_of, self.rows))

    def of_arms(self, arms: Iterable[str]) -> Conditions:
        """Only rows of these arms."""
        wanted = set(arms)
        return Conditions([row for row in self.rows if arm_of(row) in wanted])

    def values(self, *columns: str) -> set[tuple[Any, ...]]:
        """Distinct values of some columns; of served models and quality sources, those that are known."""
        found = {tuple(row[name] for name in columns) for row in self.rows}
        blank = {"served_model", "quality_source"}
        return {v for v in found if not any(name in blank and not one for name, one in zip(columns, v, strict=True))}

    def several(self, *columns: str) -> bool:
        """Whether one arm of one task type has more than one value of these columns."""
        split: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for row in self.rows:
            split.setdefault((row["task_type"], arm_of(row)), []).append(row)
        return any(len(Conditions(rows).values(*columns)) > 1 for rows in split.values())

    def variants(self, column: str) -> dict[str, tuple[str, ...]]:
        """By arm, the known values of a column, where an arm of one task type has more than one.

        What the rules choose may be several models: there each model of the arm stands for itself.
        """
        split: dict[tuple[str, str, str], set[str]] = {}
        for row in self.rows:
            if row[column]:
                arm = arm_of(row)
                model = row["model"] if arm == DEFAULT_ARM else ""
                split.setdefault((row["task_type"], arm, model), set()).add(str(row[column]))
        return {
            model or arm: tuple(sorted(values)) for (_, arm, model), values in sorted(split.items()) if len(values) > 1
        }

    def total(self, column: str) -> int:
        """Sum of a count over the rows that were looked at."""
        return sum(int(row[column]) for row in self.rows)

    def last(self, column: str) -> str:
        """The greatest value of a column, or empty."""
        return max((str(row[column]) for row in self.rows), default="")


def arm_of(row: Mapping[str, Any]) -> str:
    """The arm of a row; the model stands for it where the rules chose, unless they were drawn as an arm of a split."""
    return str(row["model"] if row["arm"] == DEFAULT_ARM and row["design"] == "observational" else row["arm"])


def read_conditions(log: Log, window: Window, size: Size, *, by_setup: bool = False) -> Conditions:
    """Under which conditions the window's outcomes arose.

    Args:
        log: Where to read.
        window: Which part of it.
        size: How large that is.
        by_setup: Also by experiment, stage, config, prompt, what was offered and what answered, which takes longer.
    """
    return Conditions(log.query("conditions", **window.params(), below=size.below, by_setup=by_setup))


def groups_of(size: Size, *, many_cells: bool) -> Literal["all", "few", ""]:
    """Random groups a cell, as `cells.sql` takes them: none where units are read one by one, few for many cells."""
    if not size.grouped:
        return ""
    return "few" if many_cells else "all"
