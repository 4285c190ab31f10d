"""Mail by SMTP: a message, or a whole report. Knows no alert, and never shows its password."""

from __future__ import annotations

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bizq_lab.errors import InputError
from bizq_lab.reports.outbox.channels import Failed

if TYPE_CHECKING:
    from bizq_lab.reports.outbox.message import Message

TIMEOUT_S = 20.0
_PORTS = {"smtp": 587, "smtps": 465}
_HINT = "set BIZQ_LAB_SMTP_URL=smtps://user:password@host, BIZQ_LAB_MAIL_FROM and BIZQ_LAB_MAIL_TO"


class MailChannel:
    """Sends by one SMTP server.

    Args:
        url: `smtps://user:password@host:port`, or `smtp://` for STARTTLS; percent-encode what is special. Plain text is
            spoken only with a server on this machine, and without a password.
        sender: Mail address.
        receivers: Mail addresses.

    Raises:
        InputError: An address or the URL is not one; the message shows no part of the URL.
    """

    name = "mail"

    def __init__(self, url: str, *, sender: str, receivers: list[str]) -> None:
        """Check everything; nothing is sent yet."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            message = "the mail server's address is not an smtp:// or smtps:// URL"
            raise InputError(message, hint=_HINT)
        if not receivers:
            message = "nobody was named to receive mail"
            raise InputError(message, hint=_HINT)
        for address in (sender, *receivers):
            _check(address)
        self._secure, self._host = parts.scheme == "smtps", parts.hostname
        self._port = parts.port or _PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender, self._receivers = sender, receivers

    def __repr__(self) -> str:
        """Without server, user and password."""
        return "MailChannel(…)"

    def send(self, message: Message) -> None:
        """Send an alert as plain text."""
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail.set_content(message.text)
        self.send_mail(mail)

    def send_mail(self, mail: EmailMessage) -> None:
        """Send a message that lacks only sender and receivers.

        Raises:
            Failed: It was not accepted.
        """
        del mail["From"], mail["To"]
        mail["From"], mail["To"] = self._sender, ", ".join(self._receivers)
        try:
            with self._connect() as server:
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(mail)
        except smtplib.SMTPAuthenticationError:
            raise Failed("smtp_auth") from None
        except smtplib.SMTPResponseException as error:
            reason = f"smtp_{error.smtp_code}"
            raise Failed(reason) from None
        except (smtplib.SMTPException, ssl.SSLError):
            raise Failed("smtp_refused") from None
        except TimeoutError:
            raise Failed("timeout") from None
        except OSError:
            raise Failed("unreachable") from None

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._secure:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        here = self._host in {"127.0.0.1", "localhost", "::1"}
        if not here or self._user:
            server.starttls(context=context)
        return server


def _check(address: str) -> None:
    try:
        parsed = Address(addr_spec=address)
    except (ValueError, IndexError) as error:
        message = f"{address!r} is not a mail address"
        raise InputError(message, hint=_HINT) from error
    if not parsed.domain or any(char in address for char in "\r\n"):
        message = f"{address!r} is not a mail address"
        raise InputError(message, hint=_HINT)
