"""Which ids did the providers say they served, and is one of them new? Estimates nothing: a new id is a fact.

A vendor that points a name at another model changes what every figure of that name is about. So the first answer under
an id that was not seen before, from a model that has answered under another one, is reported at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from bizq_lab.core.events import AlertEvent
from bizq_lab.core.ids import derived_id
from bizq_lab.core.result import Provenance, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bizq_lab.core.protocols import EventSink
    from bizq_lab.core.result import Cell
    from bizq_lab.store import Log

US_PER_S, DAY_US = 1_000_000, 86_400_000_000
ALERT = "served_model_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRow:
    """One id that a provider served.

    Attributes:
        model: Catalog key of the model that was called.
        asked: Id that was asked for.
        served: Id that the provider says it served; hostile until escaped.
        before: Id that the same request was served by before it; empty for the first.
        first_seen: UTC, to the second.
        last_seen: UTC, to the second.
        n: Answers.
        raised: Whether an alert was raised now.
    """

    model: str
    asked: str
    served: str
    before: str
    first_seen: str
    last_seen: str
    n: int
    raised: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class ServedModels(Result):
    """Every id that was served, by model and in the order of their first answers."""

    title: ClassVar[str] = "Models served"
    columns: ClassVar[tuple[str, ...]] = tuple(ServedRow.__dataclass_fields__)

    rows: tuple[ServedRow, ...]

    @property
    def raised(self) -> tuple[ServedRow, ...]:
        """Alerts raised now."""
        return tuple(row for row in self.rows if row.raised)

    def summary(self) -> str:
        """Which model was exchanged last."""
        changed = [row for row in self.rows if row.before]
        if not self.rows:
            return "No provider has said yet which model it served."
        if not changed:
            asked = "The only model asked for" if len(self.rows) == 1 else f"Each of {len(self.rows)} models asked for"
            return f"{asked} was served under one id."
        last = max(changed, key=lambda row: row.first_seen)
        more = f"; and {len(changed) - 1} changes before" if len(changed) > 1 else ""
        return f"{last.model} is served as {last.served} since {last.first_seen}, was {last.before}{more}."

    def records(self) -> list[dict[str, Cell]]:
        """One mapping an id."""
        return [{name: getattr(row, name) for name in self.columns} for row in self.rows]

    def plot(self, ax: Axes | None = None) -> Axes:
        """When each id answered, model by model."""
        from bizq_lab.viz import spans  # noqa: PLC0415 - loads matplotlib

        rows = [{**record, "said": f"{record['n']:,} answers"} for record in self.records()]
        return spans(
            rows, label="served", start="first_seen", end="last_seen", group="model", remark="said",
            title="Ids that answered", ax=ax,
        )  # fmt: skip


def served_models(log: Log, *, now_us: int, fresh_days: float = 7.0, sink: EventSink | None = None) -> ServedModels:
    """Every id that was served, and alerts for those that are new.

    Args:
        log: The log.
        now_us: The instant of the question, UTC microseconds.
        fresh_days: A change seen longer ago is no news, and raises no alert.
        sink: Where raised alerts are logged, each once; None only looks.
    """
    found = log.query("served_ids", to_us=now_us)
    since_us = now_us - round(fresh_days * DAY_US)
    logged = log.query("alerts", since_us=since_us)
    said = {row["model"]: row["raised_us"] for row in logged if row["alert_type"] == ALERT}
    latest: dict[tuple[str, str], str] = {}
    rows: list[ServedRow] = []
    for one in found:
        key = one["model"], one["request_model"]
        before, latest[key] = latest.get(key, ""), one["response_model"]
        new = one["first_us"] >= since_us and said.get(one["model"], -1) < one["first_us"]
        rows.append(_row(one, before=before, raised=bool(before) and new))
        if rows[-1].raised and sink is not None:
            sink.append(_event(rows[-1], now_us))
    return ServedModels(
        rows=tuple(rows), provenance=Provenance(view="attempt", n_decisions=sum(one["n"] for one in found))
    )


def _row(one: Mapping[str, Any], *, before: str, raised: bool) -> ServedRow:
    return ServedRow(
        model=one["model"],
        asked=one["request_model"],
        served=one["response_model"],
        before=before,
        first_seen=_utc(one["first_us"]),
        last_seen=_utc(one["last_us"]),
        n=one["n"],
        raised=raised,
    )


def _utc(instant_us: int) -> str:
    return datetime.fromtimestamp(instant_us / US_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _event(row: ServedRow, now_us: int) -> AlertEvent:
    return AlertEvent(
        event_id=derived_id("alert", ALERT, row.model, row.asked, row.served),
        recorded_at_us=now_us,
        alert_type=ALERT,
        task_type="",
        model=row.model,
        metric="",
        current_value=None,
        baseline_value=None,
        threshold=None,
        n_current=row.n,
        n_baseline=0,
        p_value=None,
        message=f"{row.model} is served as {row.served!r} since {row.first_seen} UTC, was {row.before!r}",
    )
