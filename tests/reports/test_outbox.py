"""Alerts out: each reaches each channel once, failures are tried again, secrets and hostile text go nowhere."""

from __future__ import annotations

import email
import json
import logging
from collections.abc import Iterator
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.core.events import AlertEvent
from bizq_lab.core.seeded import SeededClock, SeededIds
from bizq_lab.errors import InputError
from bizq_lab.reports.outbox import (
    Channel,
    Deliveries,
    Failed,
    LoggingChannel,
    MailChannel,
    Message,
    WebhookChannel,
    channels_from_environment,
    deliver,
)
from bizq_lab.store import Log
from tests.support.hostile import PAYLOADS, unprintable
from tests.support.lab_small import DAY
from tests.support.servers import mail_server, webhook_server

HOUR_S = 3600.0
HUSH = "T000-hush-XXXX"


class Post:
    """A channel in memory that fails when told to."""

    name = "post"

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.broken = False

    def send(self, message: Message) -> None:
        """Keep it."""
        if self.broken:
            raise Failed("timeout")
        self.sent.append(message)


class Office:
    """A log with a clock, and what a scheduler does with it."""

    def __init__(self, log: Log) -> None:
        self.log, self.clock, self.ids = log, SeededClock(DAY), SeededIds(0)

    def alert(self, number: int = 0, *, model: str = "m", message: str = "it fell") -> None:
        """Raise an alert now."""
        self.log.append(
            AlertEvent(
                event_id=f"alert_{number}", recorded_at_us=self.clock.now_us(), alert_type="success_rate_drop",
                task_type="t", model=model, metric="success", current_value=0.5, baseline_value=0.9, threshold=0.81,
                n_current=50, n_baseline=500, p_value=0.001, message=message,
            )
        )  # fmt: skip

    def deliver(self, *channels: Channel) -> Deliveries:
        """What the scheduler calls."""
        return deliver(self.log, channels, clock=self.clock, ids=self.ids)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Log.open(tmp_path / "lab.duckdb") as log:
        yield Office(log)


def test_an_alert_reaches_a_channel_once_however_often_one_delivers(office: Office) -> None:
    post = Post()
    office.alert()
    assert office.deliver(post).summary() == "1 sent by post."
    assert office.deliver(post).summary() == "No alert was due on any channel."
    assert [message.lines for message in post.sent] == [("it fell",)]


def test_what_failed_is_tried_again_and_other_channels_do_not_wait(office: Office) -> None:
    broken, fine = Post(), Post()
    broken.name, broken.broken = "broken", True
    office.alert()
    assert office.deliver(broken, fine).failed
    broken.broken = False
    assert not office.deliver(broken, fine).failed
    assert (len(broken.sent), len(fine.sent)) == (1, 1)


def test_the_same_kind_of_alert_rests_while_it_cools_down(office: Office) -> None:
    post = Post()
    for number in range(3):
        office.alert(number)
        office.deliver(post)
        office.clock.advance(HOUR_S)
    office.alert(3, model="another")
    office.deliver(post)
    assert len(post.sent) == 2
    office.clock.advance(25 * HOUR_S)
    office.alert(4)
    office.deliver(post)
    assert len(post.sent) == 3


def test_what_rested_is_not_sent_late(office: Office) -> None:
    """Its kind was told a day ago; the next alert of that kind tells how things are then."""
    post = Post()
    office.alert(0)
    office.deliver(post)
    office.alert(1)
    assert office.deliver(post).rows[0].status == "resting"
    office.clock.advance(25 * HOUR_S)
    assert office.deliver(post).rows == ()


def test_an_old_alert_is_no_news(office: Office) -> None:
    post = Post()
    office.alert()
    office.clock.advance(8 * 24 * HOUR_S)
    assert office.deliver(post).rows == ()


def test_many_alerts_are_one_message_of_twenty_lines(office: Office) -> None:
    post = Post()
    for number in range(30):
        office.alert(number, model=f"m{number}")
    office.deliver(post)
    (message,) = post.sent
    assert message.subject == "bizq_lab alert: success rate drop of m0 at t and 29 more"
    assert len(message.lines) == 21
    assert message.lines[-1] == "and 10 more"


def test_the_log_keeps_every_try(office: Office) -> None:
    post = Post()
    office.alert()
    post.broken = True
    office.deliver(post)
    post.broken = False
    office.deliver(post)
    rows = office.log.sql("SELECT channel, status, reason FROM delivery ORDER BY status").to_dict("list")
    assert rows == {"channel": ["post", "post"], "status": ["failed", "sent"], "reason": ["timeout", ""]}


def test_python_logging_gets_a_warning_an_alert(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.alert()
    with caplog.at_level(logging.WARNING, logger="bizq_lab.alerts"):
        office.deliver(LoggingChannel())
    assert [record.getMessage() for record in caplog.records] == ["it fell"]


def test_a_webhook_gets_slack_json_in_which_nothing_is_a_command(office: Office) -> None:
    office.alert(message="<!channel> & <http://evil|click>")
    with webhook_server() as inbox:
        office.deliver(WebhookChannel(f"http://127.0.0.1:{inbox.port}/{HUSH}"))
    (body,) = inbox.got
    assert json.loads(body)["text"].endswith("- &lt;!channel&gt; &amp; &lt;http://evil|click&gt;")


@pytest.mark.parametrize("status", [302, 404, 429, 500])
def test_a_webhook_that_refuses_or_redirects_has_not_taken_it(office: Office, status: int) -> None:
    office.alert()
    with webhook_server() as inbox:
        inbox.status = status
        done = office.deliver(WebhookChannel(f"http://127.0.0.1:{inbox.port}/{HUSH}"))
    assert [(row.status, row.reason) for row in done.rows] == [("failed", f"http_{status}")]


def test_nobody_listening_is_a_failure_and_not_an_exception(office: Office) -> None:
    office.alert()
    channels: list[Channel] = [
        WebhookChannel("http://127.0.0.1:9/x"),
        MailChannel("smtp://127.0.0.1:9", sender="a@b.c", receivers=["d@e.f"]),
    ]
    assert {(row.channel, row.reason) for row in office.deliver(*channels).rows} == {
        ("webhook", "unreachable"), ("mail", "unreachable"),
    }  # fmt: skip


def test_mail_arrives_whole_at_everyone(office: Office) -> None:
    office.alert(message="it fell\r\nBcc: victim@example.com")
    with mail_server() as inbox:
        url = f"smtp://127.0.0.1:{inbox.port}"
        office.deliver(MailChannel(url, sender="lab@example.com", receivers=["a@example.com", "b@example.com"]))
    message = email.message_from_bytes(inbox.got[0], policy=default)
    assert (message["From"], message["To"]) == ("lab@example.com", "a@example.com, b@example.com")
    assert message["Subject"] == "bizq_lab alert: success rate drop of m at t"
    assert message["Bcc"] is None
    assert "victim@example.com" in str(message.get_content())  # as text, where it can do nothing


def test_a_refused_receiver_is_a_failure(office: Office) -> None:
    office.alert()
    with mail_server() as inbox:
        inbox.status = 550
        done = office.deliver(MailChannel(f"smtp://127.0.0.1:{inbox.port}", sender="a@b.c", receivers=["d@e.f"]))
    assert done.rows[0].status == "failed"


@pytest.mark.parametrize("start", range(0, len(PAYLOADS), 20))
def test_no_payload_steers_a_terminal_or_adds_a_line(office: Office, start: int) -> None:
    post, some = Post(), PAYLOADS[start : start + 20]
    for number, payload in enumerate(some):
        office.alert(number, message=payload, model=payload)
    office.deliver(post)
    (message,) = post.sent
    assert len(message.lines) == len(some)
    assert len(message.text.splitlines()) <= 1 + len(some)
    assert not unprintable(message.text.replace("\n", ""))


@pytest.mark.parametrize(
    "environment",
    [
        {"BIZQ_LAB_WEBHOOK_URL": f"ftp://{HUSH}"},
        {"BIZQ_LAB_WEBHOOK_URL": f"http://example.com/{HUSH}"},
        {"BIZQ_LAB_SMTP_URL": f"http://u:{HUSH}@h", "BIZQ_LAB_MAIL_FROM": "a@b.c", "BIZQ_LAB_MAIL_TO": "a@b.c"},
        {"BIZQ_LAB_SMTP_URL": f"smtps://u:{HUSH}@h", "BIZQ_LAB_MAIL_FROM": "a@b.c"},
        {"BIZQ_LAB_SMTP_URL": f"smtps://u:{HUSH}@h", "BIZQ_LAB_MAIL_FROM": "nobody", "BIZQ_LAB_MAIL_TO": "a@b.c"},
    ],
)
def test_a_wrong_variable_is_named_and_its_secret_is_not(environment: dict[str, str]) -> None:
    with pytest.raises(InputError) as error:
        channels_from_environment(environment)
    assert HUSH not in str(error.value)
    assert "BIZQ_LAB_" in str(error.value)


def test_channels_show_no_secret() -> None:
    channels = channels_from_environment(
        {
            "BIZQ_LAB_WEBHOOK_URL": f"https://example.com/{HUSH}", "BIZQ_LAB_SMTP_URL": f"smtps://u:{HUSH}@h",
            "BIZQ_LAB_MAIL_FROM": "a@b.c", "BIZQ_LAB_MAIL_TO": "d@e.f, g@h.i",
        }
    )  # fmt: skip
    assert [channel.name for channel in channels] == ["logging", "webhook", "mail"]
    assert HUSH not in repr(channels)


@pytest.mark.parametrize("wrong", [{"cooldown_hours": 0.0}, {"window_hours": -1.0}, {"cooldown_hours": float("nan")}])
def test_a_length_that_is_none_is_refused(office: Office, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="must be positive"):
        deliver(office.log, [], clock=office.clock, ids=office.ids, **wrong)
