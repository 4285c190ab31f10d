"""Raters see outputs blind and shuffled, as text whatever they say; what they give lands in the log once."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bizq_lab.core.seeded import SeededClock
from bizq_lab.errors import InputError, NotEnoughData
from bizq_lab.lab import Lab
from bizq_lab.lab.rating import Item, RatingSession
from bizq_lab.lab.rating.widget import rating_card
from bizq_lab.store import Log
from tests.support.hostile import FORMULAS, PAYLOADS, foreign_markup
from tests.support.lab_small import DAY, TYPE, small_lab, tasks_of


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Six tasks answered by both arms, in a world where every answer is accepted often enough."""
    with small_lab(tmp_path_factory.mktemp("rating")) as opened:
        opened.experiment().run_model_comparison(TYPE, ["plain", "luna"], tasks_of(n=12), sample_size=12)
        yield opened


def sitting(lab: Lab, rater: str, **options: Any) -> RatingSession:
    return lab.rate(TYPE, rater=rater, **options)


def test_a_card_tells_nothing_of_arm_or_model(lab: Lab) -> None:
    for card in sitting(lab, "ann").cards:
        for item in card:
            assert not re.search("plain|luna|smollm2|gpt", f"{item.decision_id}{item.task_id}{item.question}")


def test_the_order_is_drawn_for_each_rater_and_kept(lab: Lab) -> None:
    orders = [[card[0].decision_id for card in sitting(lab, rater).cards] for rater in ("ann", "ann", "bob")]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])


def test_pairs_stand_side_by_side_and_neither_arm_is_always_left(lab: Lab) -> None:
    cards = sitting(lab, "ann", pairs=True).cards
    assert cards
    assert all(len(card) == 2 and card[0].question == card[1].question for card in cards)
    arms = lab.sql("SELECT decision_id, arm FROM task_outcome").set_index("decision_id")["arm"]
    lefts = {arms[card[0].decision_id] for rater in "abcdef" for card in sitting(lab, rater, pairs=True).cards}
    assert lefts == {"plain", "luna"}


def test_arms_and_limit_narrow_a_sitting(lab: Lab) -> None:
    one = sitting(lab, "ann", arms=["luna"], limit=3)
    arms = lab.sql("SELECT decision_id, arm FROM task_outcome").set_index("decision_id")["arm"]
    assert len(one.cards) == 3
    assert {arms[card[0].decision_id] for card in one.cards} == {"luna"}


def test_a_rating_is_logged_with_its_rater_and_not_asked_again(lab: Lab) -> None:
    session = sitting(lab, "cleo")
    first = session.cards[0][0]
    session.give(first.decision_id, 4.5, "fine")
    session.give(first.decision_id, 4.5, "fine")
    rows = lab.sql("SELECT rater, rating_ppm, comment, source FROM feedback WHERE rater = 'cleo'").to_dict("records")
    assert rows == [{"rater": "cleo", "rating_ppm": 4_500_000, "comment": "fine", "source": "rating"}]
    assert first.decision_id not in {card[0].decision_id for card in sitting(lab, "cleo").cards}
    assert session.summary().startswith("1 of ")


def test_a_csv_goes_out_and_comes_back(lab: Lab, tmp_path: Path) -> None:
    session = sitting(lab, "dora")
    path = session.to_csv(tmp_path / "rate.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert not {"arm", "model"} & rows[0].keys()
    rows[0]["rating"], rows[1]["rating"] = "5", "2,5"  # a comma, as half of the world writes it
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    assert session.from_csv(path) == 2
    said = lab.sql("SELECT rating_ppm FROM feedback WHERE rater = 'dora' ORDER BY ALL")["rating_ppm"].tolist()
    assert said == [2_500_000, 5_000_000]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rating": "9"}, "'9'"),
        ({"rating": "good"}, "'good'"),
        ({"rating": "nan"}, "'nan'"),
        ({"decision_id": "dec_x"}, "'dec_x'"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_logged(
    lab: Lab, tmp_path: Path, changes: dict[str, str], named: str
) -> None:
    session = sitting(lab, "eve")
    good = {"decision_id": session.cards[0][0].decision_id, "rating": "3"}
    bad = {"decision_id": session.cards[1][0].decision_id, "rating": "3", **changes}
    path = tmp_path / "rate.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, good.keys())
        writer.writeheader()
        writer.writerows([good, bad])
    with pytest.raises(InputError, match=r"rate\.csv:3") as error:
        session.from_csv(path)
    assert named in str(error.value)
    assert session.rated == {}


@pytest.mark.parametrize("wrong", [0.0, 5.1, float("nan")])
def test_a_rating_off_the_scale_is_refused(lab: Lab, wrong: float) -> None:
    session = sitting(lab, "ann")
    with pytest.raises(InputError, match="must be from 1 to 5"):
        session.give(session.cards[0][0].decision_id, wrong)
    with pytest.raises(InputError, match="not part of this sitting"):
        session.give("dec_nobody", 3.0)


def test_a_rater_must_have_a_name_and_something_to_rate(lab: Lab) -> None:
    with pytest.raises(InputError, match="must name who rates"):
        sitting(lab, " ")
    with pytest.raises(NotEnoughData, match="no output"):
        lab.rate("content.optimize_seo", rater="ann")


def test_agreement_is_read_from_the_log(lab: Lab) -> None:
    with pytest.raises(NotEnoughData, match="two or more raters"):
        lab.rater_agreement("content.optimize_seo")
    for rater in ("gus", "hal"):
        whole = sitting(lab, rater)
        for number, card in enumerate(sorted(whole.cards, key=lambda card: card[0].decision_id)):
            whole.give(card[0].decision_id, float(1 + number % 5))
    found = lab.rater_agreement(TYPE)
    assert {"gus", "hal"} <= {name for name, _, _ in found.raters}
    assert found.alpha.value > 0.5
    assert "agree with alpha" in found.summary()


def fake(text: str, tmp_path: Path) -> RatingSession:
    """A sitting over one output of this text; nothing of it is logged."""
    item = Item(decision_id="dec_1", task_id="t", question=text, answer=text)
    log = Log.open(tmp_path / "lab.duckdb")
    return RatingSession(task_type=text, rater=text, cards=[(item,)], log=log, clock=SeededClock(DAY))


def test_no_payload_becomes_markup(tmp_path: Path) -> None:
    widgets = pytest.importorskip("ipywidgets", reason="needs the extra notebooks")
    plain = fake("plain", tmp_path)
    for payload in PAYLOADS:
        item = Item(decision_id="dec_1", task_id="t", question=payload, answer=payload)
        session = replace(plain, task_type=payload, rater=payload, cards=[(item,)])
        pages = [session._repr_html_()]
        todo = [rating_card(session)]
        while todo:
            widget = todo.pop()
            todo += getattr(widget, "children", ())
            if isinstance(widget, widgets.HTML):
                pages.append(widget.value)
        assert len(pages) >= 5
        assert [foreign for page in pages for foreign in foreign_markup(page)] == []


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_the_csv_computes(tmp_path: Path, formula: str) -> None:
    path = fake(formula, tmp_path).to_csv(tmp_path / "rate.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        row = next(csv.DictReader(file))
    assert not row["answer"].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_the_buttons_log_what_was_chosen_and_go_on(lab: Lab) -> None:
    pytest.importorskip("ipywidgets", reason="needs the extra notebooks")
    session = sitting(lab, "ivy", limit=2)
    place = rating_card(session)
    for rating in (5.0, None):
        _, _, _, columns, button = place.children
        columns.children[0].children[1].value = rating
        button.click()
    assert len(place.children) == 1  # nothing is left
    assert session.rated == {session.cards[0][0].decision_id: 5.0}
