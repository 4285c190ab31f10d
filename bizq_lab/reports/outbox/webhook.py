"""A webhook that takes Slack's JSON, and so most chat services'. Knows no alert, and never shows its address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.errors import InputError
from bizq_lab.reports.outbox.channels import Failed

if TYPE_CHECKING:
    from bizq_lab.reports.outbox.message import Message

TIMEOUT_S = 10.0
_SLACK_SPECIAL = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class WebhookChannel:
    """Posts `{"text": …}` to an address that is itself a secret.

    Args:
        url: Where to; https, or http on this machine only.

    Raises:
        InputError: It is neither; the message does not show it.
    """

    name = "webhook"

    def __init__(self, url: str) -> None:
        """Check the address; nothing is sent yet."""
        from urllib.parse import urlsplit  # noqa: PLC0415 - only who sends needs it

        parts = urlsplit(url)
        here = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if (parts.scheme != "https" and not (parts.scheme == "http" and here)) or not parts.hostname:
            message = "the webhook's address is not an https URL"
            raise InputError(message, hint="set BIZQ_LAB_WEBHOOK_URL to the address your chat service gave you")
        self._url = url

    def __repr__(self) -> str:
        """Without the address."""
        return "WebhookChannel(…)"

    def send(self, message: Message) -> None:
        """Post once, follow no redirect."""
        import httpx2  # noqa: PLC0415 - only who sends needs it

        text = "".join(_SLACK_SPECIAL.get(char, char) for char in message.text)
        try:
            answer = httpx2.post(self._url, json={"text": text}, timeout=TIMEOUT_S, follow_redirects=False)
        except httpx2.TimeoutException:
            raise Failed("timeout") from None
        except (httpx2.HTTPError, httpx2.InvalidURL):
            raise Failed("unreachable") from None
        if not answer.is_success:
            reason = f"http_{answer.status_code}"
            raise Failed(reason)
