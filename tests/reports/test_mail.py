"""A report as a mail: a text part, small HTML without SVG or script, and every picture it names inside the message."""

from __future__ import annotations

import email
import re
from email.message import EmailMessage
from email.policy import default

import pytest

from bizq_lab.reports import Headline, Report, Section, loop_report, render
from bizq_lab.reports.mail import MOST_HTML_BYTES
from tests.support.hostile import PAYLOADS, foreign_markup, unprintable
from tests.support.report_answers import AS_OF, ArmTable, arm_table, comparison


def parsed(report: Report) -> EmailMessage:
    message = email.message_from_bytes(render(report, "mail"), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def html_of(message: EmailMessage) -> str:
    body = message.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def loop(note: str = "") -> Report:
    return loop_report(
        title=note or "The loop", as_of=AS_OF, performance=arm_table(note), comparisons=[comparison(note or "t")],
        efficiency=arm_table(note), proposal=arm_table(note), facts={"Provider": note or "local"}, note=note,
    )  # fmt: skip


def test_pictures_are_png_inside_the_message_each_with_its_words() -> None:
    message = parsed(loop())
    named = set(re.findall(r'<img src="cid:([^"]+)" alt="([^"]+)"', html_of(message)))
    inside = {part["Content-ID"].strip("<>"): part for part in message.walk() if part.get_content_type() == "image/png"}
    assert {cid for cid, _ in named} == set(inside)
    assert named
    assert all(part.get_content().startswith(b"\x89PNG") for part in inside.values())


def test_there_is_no_svg_no_script_no_outside_address() -> None:
    html = html_of(parsed(loop()))
    assert not re.search(r"<svg|<script|https?:|url\(", html)
    assert "<style" not in html  # mail programs drop it


def test_the_text_part_answers_the_four_questions() -> None:
    text = text_of(parsed(loop()))
    for question in ("Is it working?", "What does it cost?", "What changed?", "What should we do?"):
        assert question in text
    assert "<" not in text.replace("<0.001", "")


def test_long_tables_end_early_and_the_html_stays_below_what_mail_programs_clip() -> None:
    row = arm_table().arms[0]
    long = ArmTable(arms=(row,) * 3000)
    sections = tuple(Section(heading=str(i), question=str(i), results=(long,)) for i in range(40))
    report = Report(title="T", sections=sections, as_of=AS_OF, headline=Headline("a", "b", "c", "d"))
    html = html_of(parsed(report))
    assert len(html.encode()) <= MOST_HTML_BYTES
    assert "more rows are in the full report" in html


def test_nothing_in_a_mail_sorts_for_mail_programs_drop_what_it_needs() -> None:
    long = ArmTable(arms=("b", "a", "c"))
    section = Section(heading="h", question="q", results=(long,))
    html = html_of(parsed(Report(title="T", sections=(section,), as_of=AS_OF, headline=Headline("a", "b", "c", "d"))))
    assert "bizq-sort" in long.to_html()
    assert not re.search(r"<input|bizq-|--c\d|:has", html)


def test_the_same_report_is_the_same_message() -> None:
    assert render(loop(), "mail") == render(loop(), "mail")
    assert render(loop(), "mail") != render(loop("other"), "mail")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_becomes_markup_or_a_header(payload: str) -> None:
    section = Section(heading=payload, question=payload, results=(arm_table(payload),))
    head = Headline(payload, payload, payload, payload)
    message = parsed(Report(title=payload, sections=(section,), as_of=AS_OF, headline=head, note=payload))
    assert foreign_markup(html_of(message)) == []
    assert not unprintable(text_of(message))
    assert {key.lower() for key in message} == {"subject", "date", "message-id", "mime-version", "content-type"}
