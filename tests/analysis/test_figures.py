"""Every answer of the room draws itself, and says itself in a sentence."""

from __future__ import annotations

from datetime import date

from bizq_lab.analysis import compare, efficiency, performance
from bizq_lab.catalog import load_catalog
from bizq_lab.store import Log
from bizq_lab.tuning import tune
from tests.support.analysis_log import TASK_TYPE, Stream, pairs


def test_every_answer_has_rows_a_sentence_and_a_figure(log: Log, stream: Stream) -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415 - only this test draws

    plt.switch_backend("Agg")

    pairs(stream, [False] * 30 + [True] * 10, [True] * 40, arms=("gpt-6-luna", "gpt-6.1-terra"))
    catalog = load_catalog("current", as_of=date(2026, 11, 1))
    answers = [
        performance(log),
        compare(log, task_type=TASK_TYPE, primary="success"),
        efficiency(log, catalog=catalog),
        tune(log, catalog, as_of=date(2026, 11, 1)),
    ]
    for answer in answers:
        assert answer.summary().endswith(".")
        for record in answer.records():
            assert tuple(record) == answer.columns
        if answer.records():
            assert answer.plot().get_figure() is not None
        assert answer.to_html()
    plt.close("all")
