"""`bizq-lab notify`: brings raised alerts to the channels that the environment names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bizq_lab.cli.output import AsJson, Exit, LogPath, emit, existing


def notify(
    log: LogPath = Path("lab.duckdb"),
    cooldown_hours: Annotated[float, typer.Option(help="How long the same kind of alert rests on a channel.")] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Send alerts that were raised and not sent yet: Python logging, a webhook, mail.

    The environment names the channels: BIZQ_LAB_WEBHOOK_URL (Slack-compatible); BIZQ_LAB_SMTP_URL with
    BIZQ_LAB_MAIL_FROM and BIZQ_LAB_MAIL_TO. Exit code 1 when some channel could not be reached; it is tried again next
    time.

    Example: bizq-lab notify --log lab.duckdb
    """
    from bizq_lab.lab import Lab
    from bizq_lab.reports.outbox import channels_from_environment, deliver

    channels = channels_from_environment(os.environ)
    with Lab.open(existing(log)) as lab:
        done = deliver(lab.log, channels, clock=lab.clock, ids=lab.ids, cooldown_hours=cooldown_hours)
    emit(done, as_json=as_json)
    if done.failed:
        raise typer.Exit(Exit.ERROR)


COMMANDS = (notify,)
