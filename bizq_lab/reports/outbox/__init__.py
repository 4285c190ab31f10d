"""Alerts on their way out: Python logging, a webhook, a mail. Each alert reaches each channel once.

Channels take their secrets from the environment and never show them. Must not decide what an alert is.
"""

from bizq_lab.reports.outbox.channels import Channel, Failed, LoggingChannel
from bizq_lab.reports.outbox.deliver import Deliveries, deliver
from bizq_lab.reports.outbox.environment import channels_from_environment
from bizq_lab.reports.outbox.mail_channel import MailChannel
from bizq_lab.reports.outbox.message import Message
from bizq_lab.reports.outbox.webhook import WebhookChannel

__all__ = [
    "Channel",
    "Deliveries",
    "Failed",
    "LoggingChannel",
    "MailChannel",
    "Message",
    "WebhookChannel",
    "channels_from_environment",
    "deliver",
]
