"""Which channels the environment names. Secrets come from here and from nowhere else: no option, no file, no log."""

from __future__ import annotations

from collections.abc import Mapping

from bizq_lab.reports.outbox.channels import Channel, LoggingChannel
from bizq_lab.reports.outbox.mail_channel import MailChannel
from bizq_lab.reports.outbox.webhook import WebhookChannel

WEBHOOK, SMTP = "BIZQ_LAB_WEBHOOK_URL", "BIZQ_LAB_SMTP_URL"
SENDER, RECEIVERS = "BIZQ_LAB_MAIL_FROM", "BIZQ_LAB_MAIL_TO"


def channels_from_environment(environment: Mapping[str, str]) -> list[Channel]:
    """Python logging always; the webhook and the mail server where their variables are set.

    Raises:
        InputError: A variable does not hold what it should; its value is not shown.
    """
    channels: list[Channel] = [LoggingChannel()]
    if environment.get(WEBHOOK):
        channels.append(WebhookChannel(environment[WEBHOOK]))
    if environment.get(SMTP):
        channels.append(mail_from_environment(environment))
    return channels


def mail_from_environment(environment: Mapping[str, str]) -> MailChannel:
    """The mail server that the environment names.

    Raises:
        InputError: It names none, or not a whole one.
    """
    receivers = [address.strip() for address in environment.get(RECEIVERS, "").split(",") if address.strip()]
    return MailChannel(environment.get(SMTP, ""), sender=environment.get(SENDER, ""), receivers=receivers)
