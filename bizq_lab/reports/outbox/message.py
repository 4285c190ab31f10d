"""What a person is told: a subject and a few lines of plain text, whatever wrote them. Knows no channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bizq_lab.core.display import clip, printable

MOST_LINES = 20
MOST_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A subject and lines, printable, each on one line.

    Attributes:
        subject: What a phone shows.
        lines: The alerts, the first twenty; the last line says how many more there are.
    """

    subject: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Subject and lines below each other."""
        return "\n".join((self.subject, *(f"- {line}" for line in self.lines)))


def message_of(alerts: Sequence[Mapping[str, Any]]) -> Message:
    """One message for all alerts that are due."""
    lines = [_line(str(alert["message"])) for alert in alerts[:MOST_LINES]]
    if len(alerts) > MOST_LINES:
        lines.append(f"and {len(alerts) - MOST_LINES} more")
    first = alerts[0]
    where = f" at {first['task_type']}" if first["task_type"] else ""  # a model that was exchanged is so everywhere
    what = f"{first['alert_type']} of {first['model']}{where}".replace("_", " ")
    more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    return Message(subject=_line(f"bizq_lab alert: {what}{more}"), lines=tuple(lines))


def _line(text: str) -> str:
    return clip(printable(text).replace("\n", " "), MOST_CHARS)
