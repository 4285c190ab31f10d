"""How does a running experiment stand, look by look? Every interval holds at all looks together, so looking is free.

Each look is a row of the log. `looks` reads them back; taken again from the same log, a look gives the same row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.analysis.look import Sight, narrowed, see, split_p_value
from bizq_lab.analysis.sequences import Watched
from bizq_lab.analysis.stopping import Ruling, Stop, rule
from bizq_lab.analysis.verdict import Verdict
from bizq_lab.core.estimate import Caveat, Estimate
from bizq_lab.core.events import LookEvent
from bizq_lab.core.ids import derived_id
from bizq_lab.core.result import Provenance, Result
from bizq_lab.errors import NotEnoughData

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.protocols import EventSink
    from bizq_lab.core.result import Cell as Value
    from bizq_lab.store import Log

NANO_PER_USD, US_PER_S = 1_000_000_000, 1_000_000
LAST_US = 253_402_300_799 * US_PER_S  # the end of the year 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class LookRow:
    """One look at one treatment.

    Attributes:
        look: Which one, from 1.
        as_of_us: The instant looked at, UTC microseconds.
        arm: The treatment.
        n: Units of both arms with an outcome.
        tasks: Outcomes of both arms.
        difference: Treatment minus control in the primary metric; holds at all looks together.
        p_value: Anytime-valid; None for the bounded sequence.
        guardrails: Each guardrail with its reading, such as `success passed`.
        sample_ratio_p: Anytime-valid p-value of the split; None where it was not checked.
        spent_usd: Cost of the experiment so far.
        stop: Why the experiment should stop; empty: go on.
        verdict: Of S30, so far.
        winner: The arm the verdict names.
        reason: One sentence.
    """

    look: int
    as_of_us: int
    arm: str
    n: int
    tasks: int
    difference: Estimate
    p_value: float | None
    guardrails: str
    sample_ratio_p: float | None
    spent_usd: float
    stop: Stop
    verdict: Verdict
    winner: str
    reason: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Watch(Result):
    """Every look so far.

    Attributes:
        experiment: Its id.
        metric: The metric that decides.
        control: Arm compared with.
        rows: One a look and treatment.
    """

    title: ClassVar[str] = "Looks at a running experiment"
    columns: ClassVar[tuple[str, ...]] = ("look", "as_of", *list(LookRow.__dataclass_fields__)[2:])

    experiment: str
    metric: str
    control: str
    rows: tuple[LookRow, ...]

    @property
    def last(self) -> LookRow:
        """The latest look at the treatment with the largest effect."""
        newest = [row for row in self.rows if row.look == self.rows[-1].look]
        return max(newest, key=lambda row: abs(row.difference.value))

    @property
    def stop(self) -> Stop:
        """Why to stop now; empty: go on."""
        return self.rows[-1].stop

    def summary(self) -> str:
        """Whether to stop, why, and what is known of the difference."""
        row = self.last
        action = f"Stop for {row.stop}: {row.reason}." if row.stop else "Go on: nothing is decided yet."
        times = "1 look" if row.look == 1 else f"{row.look} looks"
        gap = f"{row.arm} minus {self.control} in {self.metric} is {row.difference}"
        return f"{action} After {times} at {row.tasks:,} tasks, {gap}; it holds however often one looks."

    def records(self) -> list[dict[str, Value]]:
        """One mapping a look and treatment."""
        return [
            {name: _utc(row.as_of_us) if name == "as_of" else getattr(row, name) for name in self.columns}
            for row in self.rows
        ]

    def plot(self, ax: Axes | None = None) -> Axes:
        """The sequence of intervals of the leading treatment."""
        from bizq_lab.viz import sequence  # noqa: PLC0415 - loads matplotlib

        arm = self.last.arm
        rows = [{"tasks": row.tasks, "difference": row.difference} for row in self.rows if row.arm == arm]
        return sequence(
            rows, at="tasks", estimate="difference", title=f"{self.metric}: {arm} minus {self.control}", ax=ax
        )


def take_look(log: Log, watched: Watched, *, as_of_us: int, sink: EventSink | None = None) -> Watch:
    """Look at a running experiment once more.

    Args:
        log: The log.
        watched: What its plan fixed.
        as_of_us: The instant to look at, UTC microseconds; outcomes recorded later do not count.
        sink: Where the look is logged; None only looks.

    Raises:
        NotEnoughData: No outcome has arrived yet.
    """
    earlier = log.query("looks", experiment=watched.experiment)
    before = {row["arm"]: row for row in earlier}
    rows = log.query("look", experiment=watched.experiment, design=watched.design, as_of_us=as_of_us)
    if not rows:
        message = f"experiment {watched.experiment!r} has no outcome yet"
        raise NotEnoughData(message, hint="route tasks by the config that carries it, then look again")
    sights = [_sight(rows, watched, arm, before.get(arm)) for arm in watched.treatments]
    instants = sorted({row["as_of_us"] for row in earlier} | {as_of_us})
    split_p = split_p_value(log, watched.experiment, instants) if watched.design == "randomised" else None
    if split_p is not None:
        split_p = min([split_p, *(row["sample_ratio_p"] for row in earlier if row["sample_ratio_p"] is not None)])
    spent = int(sum(row["cost"] for row in rows))
    ruling = rule(sights, watched, split_p=split_p, spent_nano_usd=spent)
    number = 1 + max((row["look"] for row in earlier), default=0)
    events = [
        _event(sight, watched, ruling, look=number, as_of_us=as_of_us, split_p=split_p, spent=spent) for sight in sights
    ]
    if sink is not None:
        for event in events:
            sink.append(event)
    present = [{name: getattr(event, name) for name in LookEvent.__dataclass_fields__} for event in events]
    return _watch(watched.experiment, [*earlier, *present], unpriced=any(row["cost_n"] < row["n"] for row in rows))


def looks(log: Log, experiment: str) -> Watch:
    """Every look that was logged.

    Raises:
        NotEnoughData: Nobody has looked yet.
    """
    rows = log.query("looks", experiment=experiment)
    if not rows:
        message = f"nobody has looked at experiment {experiment!r} yet"
        raise NotEnoughData(message, hint=f"bizq-lab experiment watch {experiment}")
    return _watch(experiment, rows)


def _utc(instant_us: int) -> str:
    """To the second; empty for an instant that no calendar has."""
    if instant_us > LAST_US:
        return ""
    return datetime.fromtimestamp(instant_us / US_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _sight(rows: Sequence[Mapping[str, Any]], watched: Watched, arm: str, before: Mapping[str, Any] | None) -> Sight:
    if before is None:
        return see(rows, watched, arm, tuning={})
    sight = see(rows, watched, arm, tuning=before["detail"]["tuning"])
    return narrowed(sight, _estimate(before), before["p_value"])


def _event(
    sight: Sight,
    watched: Watched,
    ruling: Ruling,
    *,
    look: int,
    as_of_us: int,
    split_p: float | None,
    spent: int,
) -> LookEvent:
    gap = sight.difference
    return LookEvent(
        event_id=derived_id("evt", "look", watched.experiment, as_of_us, sight.arm),
        recorded_at_us=as_of_us,
        experiment=watched.experiment,
        look=look,
        as_of_us=as_of_us,
        arm=sight.arm,
        control=watched.control,
        metric=watched.metric.name,
        n_arm=sight.n_arm,
        n_control=sight.n_control,
        value=gap.value,
        lower=gap.lower if math.isfinite(gap.lower) else None,
        upper=gap.upper if math.isfinite(gap.upper) else None,
        level=gap.level,
        unit=gap.unit,
        p_value=sight.p_value,
        method=gap.method,
        sample_ratio_p=split_p,
        spent_nano_usd=spent,
        stop=ruling.stop,
        verdict=ruling.verdict,
        winner=ruling.winner,
        reason=ruling.reason,
        detail={
            "tasks": sight.tasks,
            "tuning": dict(sight.tuning),
            "outlook": sight.outlook,
            "cheaper": sight.cheaper,
            "guardrails": [
                {
                    "metric": rail.metric,
                    "margin": rail.margin,
                    "reading": rail.reading,
                    **{
                        name: value if math.isfinite(value) else None
                        for name, value in asdict(rail.difference).items()
                        if name in ("value", "lower", "upper")
                    },
                }
                for rail in sight.rails
            ],
        },
    )


def _watch(experiment: str, rows: Sequence[Mapping[str, Any]], *, unpriced: bool = False) -> Watch:
    caveats = [Caveat(code="unpriced", message="Some calls have no known price; the cost leaves them out")]
    return Watch(
        experiment=experiment,
        metric=rows[-1]["metric"],
        control=rows[-1]["control"],
        rows=tuple(_row(row) for row in rows),
        caveats=tuple(caveats) if unpriced else (),
        provenance=Provenance(
            view="experiment_look", window=f"experiment={experiment}", n_decisions=int(rows[-1]["detail"]["tasks"])
        ),
    )


def _row(row: Mapping[str, Any]) -> LookRow:
    return LookRow(
        look=row["look"],
        as_of_us=row["as_of_us"],
        arm=row["arm"],
        n=row["n_arm"] + row["n_control"],
        tasks=row["detail"]["tasks"],
        difference=_estimate(row),
        p_value=row["p_value"],
        guardrails=", ".join(f"{rail['metric']} {rail['reading']}" for rail in row["detail"]["guardrails"]),
        sample_ratio_p=row["sample_ratio_p"],
        spent_usd=row["spent_nano_usd"] / NANO_PER_USD,
        stop=row["stop"],
        verdict=row["verdict"],
        winner=row["winner"],
        reason=row["reason"],
    )


def _estimate(row: Mapping[str, Any]) -> Estimate:
    return Estimate(
        value=row["value"],
        lower=-math.inf if row["lower"] is None else row["lower"],
        upper=math.inf if row["upper"] is None else row["upper"],
        level=row["level"],
        unit=row["unit"],
        n=row["n_arm"] + row["n_control"],
        method=row["method"],
    )
