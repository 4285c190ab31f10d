"""What a caller hands in: the task and its routing context. Knows no model, no price, no log."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from bizq_lab.core.ids import new_id
from bizq_lab.core.noun import Noun

Rate = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Rating = Annotated[float, Field(ge=1.0, le=5.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Frozen(Noun, BaseModel):
    """Base of the nouns that cross the API: immutable, no unknown field, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Task(Frozen):
    """One unit of business work.

    Attributes:
        type: Task type such as `content.write_product_description`.
        input: What the prompt template may use; data, never template.
        id: Defaults to a new id.
        expected: Checkable answers for acceptance checks; never shown to a model.
        key: What makes two executions the same task (paired designs, repeats); defaults to `id`.
    """

    type: Name
    input: dict[str, JsonValue] = Field(default_factory=dict)
    id: Name = Field(default_factory=lambda: new_id("task"))
    expected: dict[str, JsonValue] = Field(default_factory=dict)
    key: str = ""

    @model_validator(mode="before")
    @classmethod
    def _default_key(cls, data: object) -> object:
        if isinstance(data, dict) and not data.get("key"):
            data = {**data, "id": data.get("id") or new_id("task")}
            data["key"] = data["id"]
        return data


class WorkspacePreferences(Frozen):
    """What a workspace prefers or permits.

    Attributes:
        preferred_provider: Move to this provider's model of the same tier, if there is one.
        quality_over_speed: True halves the price of latency, False doubles it, None leaves it.
        cost_sensitivity: Weight of cost in the utility, in [0, 1]; None means the default of 0.5.
        residency: `local` keeps every byte on this machine.
        allow_remote_failover: A `local` model may fail over to a remote provider.
        allow_failover_when_consistent: `requires_consistency` may fail over to another model.
    """

    preferred_provider: str | None = None
    quality_over_speed: bool | None = None
    cost_sensitivity: Rate | None = None
    residency: Literal["any", "local"] = "any"
    allow_remote_failover: bool = False
    allow_failover_when_consistent: bool = False


class RecentTaskPerformance(Frozen):
    """What the caller knows of recent tasks; a prior where the log is empty.

    Attributes:
        average_response_time: Seconds.
        success_rate: In [0, 1].
        user_satisfaction: 1 to 5, fractions allowed; None when nobody rated.
    """

    average_response_time: NonNegative
    success_rate: Rate
    user_satisfaction: Rating | None = None


class RoutingContext(Frozen):
    """Who asks, how urgent it is, and what must not be exceeded. Only `workspace_id` is required.

    Attributes:
        workspace_id: Who pays; the default unit of sticky assignment.
        task_complexity: Sets a minimum tier and scales the expected output.
        estimated_tokens: Input tokens, when the caller knows them.
        priority: Weighs latency; `urgent` also prefers fast models and caps `max_tokens`.
        user_tier: Caps entitlement.
        budget_tier: Caps the model tier by price.
        quality_tier: Floors the model tier.
        max_cost: USD for the whole task; None means no limit.
        max_processing_time: Seconds for the whole task; None means no limit.
        requires_consistency: Same model, temperature 0, no exploration, no experiment.
    """

    workspace_id: Name
    task_complexity: Literal["simple", "moderate", "complex"] = "moderate"
    estimated_tokens: Annotated[int, Field(ge=0)] | None = None
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    user_tier: Literal["starter", "growth", "scale"] = "growth"
    budget_tier: Literal["economy", "standard", "premium"] = "standard"
    quality_tier: Literal["basic", "standard", "premium"] = "standard"
    max_cost: NonNegative | None = None
    max_processing_time: NonNegative | None = None
    requires_consistency: bool = False
    workspace_preferences: WorkspacePreferences | None = None
    recent_task_performance: RecentTaskPerformance | None = None


class UserFeedback(Frozen):
    """What a person said of a result.

    Attributes:
        rating: 1 to 5, fractions allowed; None for a comment alone.
        feedback: Free text; hostile until escaped.
        rater: Who rated, when known.
    """

    rating: Rating | None = None
    feedback: str = ""
    rater: str = ""
