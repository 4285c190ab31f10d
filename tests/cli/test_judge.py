"""`bizq-lab judge` and `judge-agreement` on a log."""

from __future__ import annotations

from pathlib import Path

from bizq_lab.core.task import UserFeedback
from tests.lab.test_judging import JUDGE, fair
from tests.support.lab_bulk import WHERE, Watched, bulk_lab, bulk_tasks
from tests.support.lab_cli import Cli


def test_agreement_is_shown_and_alerts_while_a_judge_may_not_be_trusted(cli: Cli, tmp_path: Path) -> None:
    with bulk_lab(tmp_path, Watched(fair)) as lab:
        run = lab.run_many(bulk_tasks(10), WHERE)
        lab.judge(JUDGE)
        for number, result in enumerate(run.results):
            lab.give_feedback(result, UserFeedback(rating=float(number % 5 + 1)))
    said = cli("judge-agreement", "--json")
    assert said.code == 3, said.err
    assert [(row["n"], row["kappa"], row["trusted"]) for row in said.document["rows"]] == [(10, 1.0, False)]
    assert cli("judge-agreement", "--task-type", "customer.process_return").code == 4
    done = cli("judge", "--model", JUDGE, "--json")
    assert (done.code, done.document["rows"]) == (0, [])
    unknown = cli("judge", "--model", "nobody/none")
    assert (unknown.code, unknown.out) == (2, "")
