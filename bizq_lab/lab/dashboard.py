"""What a lab shows of itself: today's tasks and cost, health, alerts, what is running. Computes nothing, never raises.

A log that is empty, damaged or held by another program is a sentence on the dashboard, for it is shown where nobody
asked a question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bizq_lab.core.display import printable
from bizq_lab.core.markup import escape
from bizq_lab.core.money import format_usd
from bizq_lab.core.stylesheet import CLASSES, style_for
from bizq_lab.errors import BizqLabError, NotEnoughData
from bizq_lab.lab.questions import Questions

if TYPE_CHECKING:
    from bizq_lab.core.result import Result
    from bizq_lab.core.snapshot import Health

ALERT_DAYS = 7
_STYLE = (
    ".bizq-result h2{font-size:1.35em;font-weight:600;margin:.2em 0 .4em}"
    ".bizq-facts{display:flex;flex-wrap:wrap;gap:.4em 1.8em;margin:.2em 0 1em}"
    ".bizq-facts dt{font-size:.88em;font-weight:400;opacity:.78}.bizq-facts dd{margin:0;font-weight:600}"
    ".bizq-result p.bizq-trouble{border-left:4px solid rgb(213,94,0);padding:.3em .8em;margin:.3em 0 .8em}"
    ".bizq-spark{vertical-align:middle}"
)
_DAY_US = 86_400_000_000


@dataclass(frozen=True, kw_only=True, repr=False)
class Dashboard:
    """One screen.

    Attributes:
        title: Which lab.
        at: The instant, UTC, to the minute.
        facts: Short named facts, in order.
        answers: Tables; those with nothing to say are left out.
        trouble: Why the log could not be read; empty if it could.
    """

    title: str
    at: str
    facts: Mapping[str, str]
    answers: tuple[Result, ...] = ()
    trouble: str = ""

    def __str__(self) -> str:
        """The screen as plain text."""
        lines = [f"{printable(self.title)}, {self.at} UTC", ""]
        lines += [f"! {printable(self.trouble)}", ""] if self.trouble else []
        lines += [f"{name}: {printable(value)}" for name, value in self.facts.items()]
        return "\n".join([*lines, *(f"\n{answer}" for answer in self.answers)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        facts = "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in self.facts.items()
        )
        trouble = f'<p class="bizq-trouble" role="alert">{escape(self.trouble)}</p>' if self.trouble else ""
        widest = max((len(answer.columns) for answer in self.answers), default=0)
        style = style_for(range(1, widest + 1)) + _STYLE
        tables = "".join(answer.to_html(style=False) for answer in self.answers)
        return (
            f'<section class="{CLASSES}"><style>{style}</style><h2>{escape(self.title)} '
            f'<small>{escape(self.at)} UTC</small></h2>{trouble}<dl class="bizq-facts">{facts}</dl>{tables}</section>'
        )


class Shown(Questions):
    """How a `Lab` shows itself."""

    def dashboard(self) -> Dashboard:
        """Tasks and cost of the UTC day so far, health, alerts, running experiments and rollouts.

        Never raises: what cannot be read now is said in its place. The log is opened once.
        """
        now_us = self.clock.now_us()
        facts = {"Catalog": f"{self.catalog.name} ({self.catalog.purpose})", "Config": self._config_fact()}
        facts["Models"] = _models(self.executor.health.snapshot())
        shown = Dashboard(title=f"Lab {self.log.path.name}", at=_minute(now_us), facts=facts)
        try:
            with self.log.held():
                return self._filled(shown, now_us)
        except BizqLabError as error:
            return replace(shown, trouble=str(error))

    def _filled(self, shown: Dashboard, now_us: int) -> Dashboard:
        day = self.today()
        week = self.happenings(from_us=now_us - ALERT_DAYS * _DAY_US, to_us=now_us + 1).only_alerts
        running, ramping = self.experiments().running, self.rollouts().under_way
        facts = {
            "Tasks today": f"{day.tasks:,}",
            "Cost today": format_usd(day.cost_usd),
            f"Alerts in {ALERT_DAYS} days": str(week.alerts),
            "Experiments running": str(len(running.rows)),
            "Rollouts under way": str(len(ramping.rows)),
            "Waiting for a person": str(self._waiting()),
            **shown.facts,
        }
        others = [answer for answer in (week, running, ramping) if answer.rows]
        return replace(shown, facts=facts, answers=(day, *self._health(), *others))

    def _health(self) -> tuple[Result, ...]:
        """Scores of the models that did enough in the last day."""
        try:
            return (self.model_health(),)
        except NotEnoughData:
            return ()

    def _waiting(self) -> int:
        """Human tasks that nobody has done yet."""
        return sum(row["status"] in {"open", "claimed"} for row in self.log.query("human_queue", status=None))

    def _config_fact(self) -> str:
        return "the rules alone" if self.config is None else f"{self.config.hash[:12]} ({self.config.purpose})"

    def _repr_html_(self) -> str:
        return self.dashboard()._repr_html_()

    def __repr__(self) -> str:
        """One line that asks nothing of the log."""
        return f"<Lab {printable(str(self.log.path))}: `dashboard()` shows how it is doing>"


def _models(health: Mapping[str, Health]) -> str:
    """What execution last saw of the models it called."""
    down = sorted(key for key, seen in health.items() if not seen.available)
    if not health:
        return "none called yet"
    if not down:
        return f"all {len(health)} that were called answer" if len(health) > 1 else "the one that was called answers"
    return f"{len(down)} of {len(health)} cooling down: {', '.join(down[:3])}{' …' if len(down) > 3 else ''}"  # noqa: PLR2004 - a line


def _minute(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC):%Y-%m-%d %H:%M}"
