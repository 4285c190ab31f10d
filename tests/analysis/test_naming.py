"""A query that tells names apart by number answers as by text, also about names that nobody knew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bizq_lab.analysis.cells import read_cells
from bizq_lab.analysis.durations import read_durations
from bizq_lab.analysis.extent import Conditions, Window, read_conditions, read_size
from bizq_lab.analysis.naming import NAMED, Names, ask_by_names
from bizq_lab.store import Log
from tests.support.analysis_log import Stream

FLAGS = {"by_arm": True, "by_model": True, "by_workspace": False, "by_day": False, "served": False}


@pytest.fixture
def filled(log: Log, stream: Stream) -> Log:
    """A log of three arms, drawn by unit, whose names are not in the order of their first outcome."""
    for number in range(60):
        arm = ("éclair", "b", "Z")[number % 3]
        stream.run(
            arm=arm,
            task=f"t{number}",
            succeeded=number % 2 == 0,
            decide={"design": "randomised", "unit": f"u{number // 4}"},
        )
    return log


def conditions_of(log: Log) -> Conditions:
    return read_conditions(log, Window(), read_size(log, Window()))


def without(arm: str, conditions: Conditions) -> Conditions:
    return Conditions([row for row in conditions.rows if row["arm"] != arm])


@pytest.mark.parametrize("unknown", ["", "b", "éclair"])
def test_cells_and_durations_are_the_same_by_number_and_by_text(filled: Log, unknown: str) -> None:
    known = without(unknown, conditions_of(filled))
    assert Names.of(known).lists["arm"] == [arm for arm in ("Z", "b", "éclair") if arm != unknown]
    by_number = read_cells(filled, Window(), conditions=known)
    by_text = read_cells(filled, Window())
    assert [cell.arm for cell in by_text] == ["Z", "b", "éclair"]
    assert [dict(cell.row) for cell in by_number] == [dict(cell.row) for cell in by_text]
    mine = read_durations(filled, Window(), **FLAGS, by_rules=False, design=None, conditions=known)
    theirs = read_durations(filled, Window(), **FLAGS, by_rules=False, design=None, conditions=None)
    assert list(mine) == list(theirs) == [cell.key for cell in by_text]
    assert [(h.edges_us.tolist(), h.n.tolist()) for h in mine.values()] == [
        (h.edges_us.tolist(), h.n.tolist()) for h in theirs.values()
    ]


def test_only_an_answer_with_an_unknown_name_is_asked_for_again(filled: Log) -> None:
    asked: list[bool] = []

    def ask(given: Mapping[str, Any]) -> list[int | str]:
        asked.append(given["coded"])
        return [1, 0] if given["coded"] and len(asked) > 1 else ["b"]

    names = Names.of(conditions_of(filled))
    assert ask_by_names(ask, names, lambda answer: [answer])[1] is names
    assert ask_by_names(ask, names, lambda answer: [answer]) == (["b"], Names())
    assert ask_by_names(ask, Names(), lambda answer: [answer]) == (["b"], Names())
    assert asked == [True, True, False, False]


def test_many_names_or_none_stay_text() -> None:
    many = Conditions([{"task_type": "t", "arm": f"a{number}", "model": "m"} for number in range(33)])
    assert Names.of(Conditions(many.rows[1:])).params()["coded"]
    assert not Names.of(many).params()["coded"]
    assert not Names.of(Conditions([])).params()["coded"]
    assert Names().params() == {"coded": False, **{f"{key}s": None for key in NAMED}}
