"""S8: the context's fields, their defaults and what is refused at construction."""

import math

import pytest
from pydantic import ValidationError

from bizq_lab.core.task import RecentTaskPerformance, RoutingContext, Task, UserFeedback, WorkspacePreferences


def test_s8_only_the_workspace_is_required() -> None:
    context = RoutingContext(workspace_id="ws_123")
    assert context.max_cost is None
    assert context.max_processing_time is None
    assert context.priority == "normal"
    with pytest.raises(ValidationError, match="workspace_id"):
        RoutingContext()  # type: ignore[call-arg]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -0.01])
@pytest.mark.parametrize("field", ["max_cost", "max_processing_time"])
def test_s8_nan_infinite_and_negative_limits_are_refused(field: str, bad: float) -> None:
    with pytest.raises(ValidationError, match=field):
        RoutingContext.model_validate({"workspace_id": "w", field: bad})


@pytest.mark.parametrize(
    "extra",
    [
        {"max_price": 1},
        {"priority": "asap"},
        {"user_tier": "enterprise"},
        {"estimated_tokens": -1},
        {"workspace_id": ""},
    ],
)
def test_s8_an_unknown_field_or_value_is_refused(extra: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RoutingContext.model_validate({"workspace_id": "w", **extra})


def test_s8_a_context_does_not_change() -> None:
    context = RoutingContext(workspace_id="w")
    with pytest.raises(ValidationError, match="frozen"):
        context.max_cost = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("rating", [0.9, 5.1, math.nan])
def test_s8_ratings_run_from_one_to_five(rating: float) -> None:
    with pytest.raises(ValidationError):
        UserFeedback(rating=rating)


def test_s8_a_rating_may_be_a_fraction() -> None:
    assert UserFeedback(rating=4.5).rating == 4.5


@pytest.mark.parametrize("rate", [-0.1, 1.1, math.nan])
def test_s8_rates_and_sensitivities_lie_in_the_unit_interval(rate: float) -> None:
    with pytest.raises(ValidationError):
        WorkspacePreferences(cost_sensitivity=rate)
    with pytest.raises(ValidationError):
        RecentTaskPerformance(average_response_time=1.0, success_rate=rate)


def test_s14_a_task_gets_an_id_of_its_own_and_its_key_defaults_to_it() -> None:
    first, second = Task(type="order.process_batch"), Task(type="order.process_batch")
    assert first.id != second.id
    assert first.key == first.id
    assert Task(type="x.y", id="t1").key == "t1"
    assert Task(type="x.y", id="t1", key="same").key == "same"
