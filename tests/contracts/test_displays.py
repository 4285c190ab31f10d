"""Every public noun shows itself in a notebook: escaped, and never with an error."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import bizq_lab
from bizq_lab.config import ArmSpec
from bizq_lab.core.money import Money
from bizq_lab.core.result import Result
from bizq_lab.core.task import RoutingContext, Task, UserFeedback, WorkspacePreferences
from bizq_lab.lab import Lab
from tests.support.hostile import PAYLOADS, foreign_markup, unprintable
from tests.support.lab_small import ARMS, TYPE, small_lab, start, tasks_of

# One line of text is their whole display, and an error is shown by the notebook itself.
ONE_LINE = {"Caveat", "Estimate", "Money", "BizqLabError"}
CLASSES = [name for name in bizq_lab.__all__ if inspect.isclass(getattr(bizq_lab, name)) and name not in ONE_LINE]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with small_lab(tmp_path_factory.mktemp("shown"), config=start({"plain": 60, "luna": 40})) as opened:
        yield opened


@pytest.fixture(scope="module")
def nouns(lab: Lab) -> dict[str, object]:
    """One of each."""
    context = RoutingContext(workspace_id="ws", workspace_preferences=WorkspacePreferences(quality_over_speed=True))
    (task,) = tasks_of(n=1)
    decision = lab.route(task, context)
    result = lab.run(task, context)
    shown = [
        lab, lab.catalog, lab.config, lab.log, lab.service, lab.service.router, lab.executor, lab.experiment(),
        lab.monitor(), context, context.workspace_preferences, task, decision, decision.config, result,
        UserFeedback(rating=4.0),
        lab.performance(), bizq_lab.AdaptiveRouter(lab.catalog), bizq_lab.CostCalculator(lab.catalog),
    ]  # fmt: skip
    return {type(one).__name__: one for one in shown}


@pytest.mark.parametrize("name", CLASSES)
def test_a_public_class_shows_itself_as_an_escaped_table(name: str, nouns: dict[str, object]) -> None:
    found = next((one for one in nouns.values() if isinstance(one, getattr(bizq_lab, name))), None)
    assert found is not None, f"{name} is public: show one here, or say in ONE_LINE why its text is enough"
    html = found._repr_html_()
    assert "<table>" in html
    assert foreign_markup(html) == []


def test_what_is_one_line_reads_as_one() -> None:
    assert str(Money(4_200_000)) == "$0.0042"
    assert "\n" not in repr(bizq_lab.Estimate(value=0.5, lower=0.4, upper=0.6, unit="success"))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_becomes_markup_in_a_noun(payload: str) -> None:
    text = payload.encode("utf-8", "replace").decode()[:200] or "x"
    task = Task(type=text, input={text: text}, id=text, key=text)
    config = start({"plain": 100}).evolve(parent="", produced_by=text, arms={**ARMS, text: ArmSpec(model=text)})
    for noun in (task, RoutingContext(workspace_id=text), UserFeedback(feedback=text, rater=text), config):
        html = noun._repr_html_()
        assert foreign_markup(html) == []
        assert not unprintable(html)


def test_every_answer_is_a_noun_too() -> None:
    assert callable(Result._repr_html_)


def test_a_config_shows_who_gets_which_share(lab: Lab) -> None:
    assert lab.config is not None
    assert [(row["task_type"], row["arm"], row["share_percent"]) for row in lab.config.sheet().rows] == [
        (TYPE, "plain", 60), (TYPE, "luna", 40),
    ]  # fmt: skip


def test_showing_a_lab_whose_log_is_not_there_asks_nothing(tmp_path: Path) -> None:
    with small_lab(tmp_path) as lab:
        assert repr(lab).startswith("<Lab ")
        assert not list(tmp_path.glob("*.duckdb"))
