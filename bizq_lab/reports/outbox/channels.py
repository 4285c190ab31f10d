"""What a channel is, and the one that needs no secret: Python logging. Knows no alert."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bizq_lab.reports.outbox.message import Message

log = logging.getLogger("bizq_lab.alerts")


class Failed(Exception):
    """A message was not delivered; says how in a word, and never holds an address or a secret.

    Attributes:
        reason: Such as `timeout`, `http_500` or `smtp_auth`.
    """

    def __init__(self, reason: str) -> None:
        """Keep the word."""
        self.reason = reason
        super().__init__(reason)


class Channel(Protocol):
    """Somewhere a message can go."""

    name: str

    def send(self, message: Message) -> None:
        """Send it once.

        Raises:
            Failed: It did not arrive; the next delivery tries again.
        """


class LoggingChannel:
    """The logger `bizq_lab.alerts`, one warning an alert."""

    name = "logging"

    def send(self, message: Message) -> None:
        """Log each line."""
        for line in message.lines:
            log.warning("%s", line)
