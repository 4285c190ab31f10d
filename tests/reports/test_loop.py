"""The main job's report arranges four answers in the order a reader asks."""

import dataclasses

from bizq_lab.core.result import Result
from bizq_lab.reports.figures import figures_of
from bizq_lab.reports.loop import Verdicts
from tests.support.hostile import visible_text
from tests.support.report_answers import ArmTable, arm_table, comparison, report_with


def test_verdicts_are_counted_and_the_most_telling_come_first() -> None:
    verdicts = Verdicts(compared=tuple(comparison(verdict=v) for v in ("inconclusive", "winner", "invalid", "winner")))
    assert verdicts.summary() == (
        "Of 4 comparisons, 2 with a winner, 1 with no decision yet, 1 with an invalid experiment."
    )
    assert [row["winner"] for row in verdicts.records()] == [None, "example", None, "example"]


def test_the_figure_of_the_verdicts_shows_one_metric_only() -> None:
    """Scales do not mix: a difference in dollars has no place beside one in success."""
    odd = dataclasses.replace(
        comparison("other.task"),
        primary="cost",
        rows=tuple(
            dataclasses.replace(row, role="primary" if row.metric == "cost" else "secondary")
            for row in comparison().rows
        ),
    )
    ax = Verdicts(compared=(comparison(), odd)).plot()
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["order.process_batch"]


def test_several_comparisons_become_a_digest_with_each_one_folded_below() -> None:
    html = report_with(comparisons=3)
    assert "Of 3 comparisons" in visible_text(html)
    assert html.count("<details>") == 3


def test_one_comparison_is_shown_in_full() -> None:
    html = report_with(comparisons=1)
    assert "<details>" not in html
    assert "p adjusted" in visible_text(html)


def test_without_comparisons_there_is_no_such_section() -> None:
    text = visible_text(report_with(comparisons=0))
    assert "Which arm is better" not in text
    assert "What changed?" not in text


def test_an_answer_without_a_figure_or_without_a_row_is_a_table() -> None:
    class Plain(ArmTable):
        plot = Result.plot

    assert figures_of(Plain()) == ()
    assert figures_of(ArmTable(arms=())) == ()
    assert len(figures_of(arm_table())) == 1
