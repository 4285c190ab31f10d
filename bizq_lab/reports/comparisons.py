"""Every registered experiment, compared as it was planned. Computes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.errors import NotEnoughData

if TYPE_CHECKING:
    from bizq_lab.analysis import Comparison
    from bizq_lab.lab.questions import Questions


def planned_comparisons(
    lab: Questions, *, to_us: int, from_us: int | None = None, experiment: str | None = None
) -> list[Comparison]:
    """One a registered experiment; those without two arms of outcomes are left out.

    Args:
        lab: Who answers: a lab, or a past day of it.
        to_us: Experiments registered, and decisions made, before this instant; UTC microseconds.
        from_us: Only experiments registered at or after this instant; None means all.
        experiment: Only this one; None means all.
    """
    answers = []
    for plan in lab.log.query("experiment_plans", task_type=None, experiment=experiment, to_us=to_us):
        if from_us is not None and plan["registered_us"] < from_us:
            continue
        try:
            answers.append(
                lab.compare(
                    task_type=plan["task_type"],
                    experiment=plan["experiment"],
                    primary=plan["primary_metric"],
                    margin=plan["margin"],
                    alpha=plan["alpha"],
                    control=plan["arms"][0],
                    to_us=to_us,
                )
            )
        except NotEnoughData:
            continue
    return answers
