"""The report of a rollout: its steps as the log tells them, as they were known on the day, in every form."""

from __future__ import annotations

import email
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import numpy as np
import pytest

from bizq_lab import viz
from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.lab import Lab
from bizq_lab.reports import FORMS, Form, render, rollout_report
from bizq_lab.reports.periodic import Periodic
from bizq_lab.store import Log
from tests.support.hostile import PAYLOADS, foreign_markup, unprintable
from tests.support.lab_small import DAY, TYPE, catalog
from tests.support.rollouts import Stage
from tests.support.store_events import make_event

DAY_US = 1_793_491_200_000_000
LATER = DAY + timedelta(days=9)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Harmless on the first day, harmful on the second, taken back at its end."""
    folder = tmp_path_factory.mktemp("rollout")
    with Log.open(folder / "lab.duckdb") as log:
        stage = Stage(folder, log)
        stage.begin()
        stage.day(per_unit=3)
        stage.desk.check()
        stage.day(per_unit=3, failing=0.5)
        stage.desk.check()
        yield stage


@pytest.fixture(scope="module")
def lab(stage: Stage) -> Iterator[Lab]:
    with Lab.open(stage.log.path, catalog=catalog(), providers={}, clock=stage.clock) as opened:
        yield opened


@pytest.fixture(scope="module")
def told(lab: Lab) -> Periodic:
    return rollout_report(lab, as_of=LATER)


def test_it_says_how_far_it_is_whether_it_does_harm_and_what_to_do(told: Periodic) -> None:
    report, alerts = told
    assert alerts == 1
    assert report.facts["Status"] == "rolled back"
    assert report.facts["Share"] == "0 % (before: 0 %)"
    assert [section.heading for section in report.sections] == ["History", "Guardrails", "Arms"]
    assert all(section.figures for section in report.sections)
    assert "Harmful: " in report.headline.working
    assert "before it is tried again" in report.headline.action


def test_a_past_day_is_told_as_it_was_known_then(lab: Lab, stage: Stage) -> None:
    report, alerts = rollout_report(lab, as_of=DAY)
    document = json.loads(render(report, "json"))
    assert (alerts, report.facts["Status"], report.facts["Share"]) == (0, "ramping", "25 % (before: 0 %)")
    assert [row["action"] for row in document["sections"][0]["results"][0]["rows"]] == ["rollout_started"]
    assert render(report) == render(report)
    assert [row["action"] for row in stage.desk.history().records()] == ["rollout_started", "ramped", "rolled_back"]


@pytest.mark.parametrize("form", FORMS)
def test_it_comes_in_every_form(told: Periodic, form: Form) -> None:
    assert (b"luna" if form != "mail" else b"figure-1-0") in render(told.report, form)


def test_a_rollout_that_is_not_there_is_one_clear_error(lab: Lab) -> None:
    with pytest.raises(InputError, match="'nobody', is not in the log"):
        rollout_report(lab, rollout="nobody", as_of=LATER)
    with pytest.raises(NotEnoughData, match="no rollout"):
        rollout_report(lab, as_of=DAY - timedelta(days=1))


def test_the_list_names_every_rollout_and_where_it_stands(lab: Lab) -> None:
    (row,) = lab.rollouts().records()
    assert (row["task_type"], row["arm"], row["status"], row["share_percent"]) == (TYPE, "luna", "rolled_back", 0)
    assert lab.rollouts().under_way.rows == ()
    (before,) = lab.as_of(DAY).rollouts().under_way.rows
    assert (before["status"], before["share_percent"]) == ("ramping", 25)


def test_the_harm_of_every_guardrail_is_drawn_in_margins(lab: Lab) -> None:
    _, guardrails = lab.rollout_history()
    ax = guardrails.plot()
    assert ax.get_xlabel() == "harm, in margins"
    harm = next(row for row in guardrails.rows if row["guardrail"] == "failures")["harm"]
    assert isinstance(harm, Estimate)
    dots = [float(np.asarray(line.get_xdata(), float)[0]) for line in ax.lines if line.get_marker() == "o"]
    assert any(abs(x * 0.12 - harm.value) < 1e-9 for x in dots)


def test_a_reason_of_any_text_stays_text_in_every_form(tmp_path: Path) -> None:
    """What a person types as a reason, and who they say they are, is hostile until shown."""
    with Log.open(tmp_path / "lab.duckdb") as log:
        for number, payload in enumerate(PAYLOADS):
            told = {"rollout": "r", "task_type": payload, "arm": payload, "percent": 10, "reason": payload}
            seen = {"metric": payload, "state": payload, "harm": None, "units": None, "why": payload}
            log.append(
                make_event(
                    "config_version", recorded_at_us=DAY_US + number, action=payload, author=payload,
                    evidence={**told, "guardrails": [seen]},
                )
            )  # fmt: skip
        with Lab.open(log.path, catalog=catalog(), providers={}) as lab:
            report = rollout_report(lab, as_of=LATER).report
            html, markdown = render(report).decode(), render(report, "markdown").decode()
            message = email.message_from_bytes(render(report, "mail"), policy=default)
            document = json.loads(render(report, "json").decode("ascii"))
    assert isinstance(message, EmailMessage)
    mailed, text = (
        str(body.get_content()).replace("\r\n", "\n")
        for kind in ("html", "plain")
        if (body := message.get_body((kind,)))
    )
    assert foreign_markup(html) == foreign_markup(mailed) == []
    assert not re.search(r"<svg|<script|https?://(?!127)", mailed)
    assert all(not unprintable(value) for part in message.walk() for value in map(str, part.values()))
    told_reasons = [row["reason"] for row in document["sections"][0]["results"][0]["rows"]]
    assert told_reasons == [re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", payload) for payload in PAYLOADS]
    for shown in (
        html,
        markdown,
        mailed,
        text.replace("\r\n", "\n"),
        *(str(result) for section in report.sections for result in section.results),
    ):
        assert not unprintable(shown)
    assert html.count("alert(1)") > 3 * sum("alert(1)" in payload for payload in PAYLOADS)


def test_steps_of_one_instant_are_one_mark_and_looks_are_ticks() -> None:
    rows = [
        {"at": "2026-11-01 00:00:00", "action": "rollout_started", "percent": 50, "step": True},
        {"at": "2026-11-02 00:00:00", "action": "held", "percent": 50, "step": False},
        {"at": "2026-11-03 00:00:00", "action": "ramped", "percent": 100, "step": True},
        {"at": "2026-11-03 00:00:00", "action": "completed", "percent": 100, "step": True},
    ]
    ax = viz.rollout_history(rows, ramp=(50, 100), title="t")
    assert [text.get_text() for text in ax.texts] == ["50 %  started", "100 %  ramped, complete"]
    assert [line.get_marker() for line in ax.lines].count("|") == 1
    assert "2026-11-03 00:00: complete, 100 %" in str(ax.get_label())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"at": "noon", "percent": 5}, "at == 'noon'"),
        ({"at": "2026-11-01", "percent": 101}, "must be a percentage"),
        ({"at": "2026-11-01", "percent": 10, "step": False}, "hold no step"),
    ],
)
def test_what_is_no_rollout_is_refused_with_its_value(row: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        viz.rollout_history([row])
    assert message in str(caught.value)
