"""Two configs compared in sentences: weights first, and how many units they move."""

from __future__ import annotations

from datetime import timedelta

from bizq_lab.config import ArmSpec, ExperimentSpec, RoutingConfig
from bizq_lab.config.words import in_words
from tests.support.targets import DAY, TYPE, routing


def test_equal_configs_differ_in_no_word() -> None:
    assert in_words(routing(), routing()) == ()


def test_weights_are_said_with_the_share_of_units_that_move() -> None:
    said = in_words(routing(), routing().with_weights(TYPE, {"luna": 72, "haiku": 18, "terra": 10}, stage="r/72"))
    assert said[0].startswith(f"{TYPE}: haiku 28 % -> 18 %, luna 62 % -> 72 %; ")
    moved = int(said[0].split("; ")[1].split("%")[0])
    assert 7 <= moved <= 14
    assert f"{TYPE}: ramp stage r/72, was (none)" in said
    assert said[-1] == "it replaces the first"


def test_every_kind_of_change_has_its_sentence() -> None:
    a = routing()
    b = a.evolve(
        arms={**a.arms, "terra": ArmSpec(model="openai/gpt-6.1-sol"), "new": ArmSpec(model="openai/gpt-6-luna")},
        tasks={
            **a.tasks,
            TYPE: {**dict(a.tasks[TYPE]), "salt": "other", "unit": "task", "models": ("openai/gpt-6-luna",)},
            "content.optimize_seo": {"adaptive": {"kind": "epsilon_greedy"}},
        },
        experiments=(ExperimentSpec(id="e1", task_type=TYPE, weights={"luna": 100}),),
        expires_on=DAY + timedelta(days=9),
    )
    text = "\n".join(in_words(a, b))
    for part in ("salt changed", "same weights; ", "is the task", "allowed models", "explores by epsilon_greedy",
                 "arm new is new",
                 "arm terra: model", "experiment e1 starts", "expires on: 2026-11-10"):  # fmt: skip
        assert part in text
    back = "\n".join(in_words(b, a))
    for part in ("stops exploring", "arm new is gone", "experiment e1 ends"):
        assert part in back


def test_a_change_of_anything_at_all_is_said() -> None:
    a = routing()
    for field in RoutingConfig.model_fields:
        value = {"purpose": "offline", "catalog": "x", "as_of": DAY + timedelta(days=1), "expires_on": DAY,
                 "parent": "a" * 64, "price_version": "p", "catalog_version": "v", "produced_by": "me",
                 "log_snapshot": "s"}.get(field)  # fmt: skip
        if value is not None:
            assert in_words(a, a.evolve(**{"parent": "", field: value})), field
