"""What a catalog says: models with prices, task types with prompts, checks and values. Knows no file and no rule."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, PlainSerializer, model_validator

from bizq_lab.core.model import SpeedTier, Tier
from bizq_lab.errors import InputError
from bizq_lab.plugins import Group, offered, plugin

NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
# Sets are dumped in order, so that the hash of a catalog is the same in every process.
Names = Annotated[frozenset[str], PlainSerializer(sorted, return_type=list[str])]


def _is_unsaid(value: object) -> bool:
    """Whether a field says nothing. Then it is left out of the dump: a new field gives no catalog a new version."""
    return not value


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PriceEntry(_Frozen):
    """Prices from one date on: USD per million tokens, or USD per core-second for a local model."""

    effective_from: date
    source: str
    input: NonNegative | None = None
    output: NonNegative | None = None
    cached_input: NonNegative | None = None
    core_second: NonNegative | None = None


class RateLimits(_Frozen):
    """What the vendor allows; None means not stated."""

    rpm: Annotated[int, Field(gt=0)] | None = None
    tpm: Annotated[int, Field(gt=0)] | None = None
    concurrency: Annotated[int, Field(gt=0)] | None = None


SamplingName = Literal["temperature", "seed", "top_p", "stop"]


class ModelEntry(_Frozen):
    """One model (S3).

    Attributes:
        provider: Who serves it.
        model: Catalog name; `provider/model` is its key.
        api_model: The id sent.
        aliases: Other names and dated ids that mean this model.
        tier: Price and quality class.
        speed_tier: How fast it is.
        context_window: Tokens of prompt and output together.
        output_limit: Most output tokens.
        accepts: Sampling parameters its API accepts, besides those that its provider's API always does.
        capabilities: What it can do beyond text, such as `json_schema` or `vision`.
        prices: Dated price book entries.
        limits: Rate limits.
        residency: `local` never leaves the machine.
        quality_prior: Expected quality in [0, 1] before any data.
        latency_prior_s: Expected 95th percentile of latency in seconds before any data.
        released_on: When it was first sold, if known.
        retired_on: When the vendor switches it off.
        replaced_by: Key of the model to move to.
        opt_in: It serves only where it is named: as an arm, in a list of models, or as a task type's own model.
    """

    provider: str
    model: str
    api_model: str
    aliases: tuple[str, ...] = ()
    tier: Tier
    speed_tier: SpeedTier
    context_window: Annotated[int, Field(gt=0)]
    output_limit: Annotated[int, Field(gt=0)]
    accepts: Annotated[frozenset[SamplingName], PlainSerializer(sorted, return_type=list[str])] = frozenset()
    capabilities: Names = frozenset()
    prices: tuple[PriceEntry, ...] = ()
    limits: RateLimits = RateLimits()
    residency: Literal["remote", "local"] = "remote"
    quality_prior: Rate = 0.5
    latency_prior_s: NonNegative = 5.0
    released_on: date | None = None
    retired_on: date | None = None
    replaced_by: str | None = None
    opt_in: bool = False

    @property
    def key(self) -> str:
        """Catalog key `provider/model`."""
        return f"{self.provider}/{self.model}"


LEAST_SCORE = 0.5  # of the check `judge`, unless its `min_score` says otherwise

BuiltInCheck = Literal[
    "non_empty",
    "finish_reason",
    "length",
    "mentions",
    "banned_terms",
    "refusal",
    "placeholder",
    "answer",
    "fields",
    "json_fields",
    "numbers",
    "hashtags",
    "judge",
]
PLUGGED_IN_CHECKS: Group = "bizq_lab.checks"


def _known(name: str) -> str:
    """A check of ours, or one that an installed package offers and that loads: a broken one shows before any call."""
    if name in get_args(BuiltInCheck):
        return name
    try:
        if name in offered(PLUGGED_IN_CHECKS) and callable(plugin(PLUGGED_IN_CHECKS, name)):
            return name
    except InputError as error:
        raise ValueError(error.message) from None  # the catalog's own error says where it is named
    known = ", ".join([*get_args(BuiltInCheck), *offered(PLUGGED_IN_CHECKS)])
    message = f"no check of that name that can be called; known: {known}"
    raise ValueError(message)


CheckName = Annotated[str, AfterValidator(_known)]


class CheckSpec(_Frozen):
    """One acceptance check by name, with its severity and parameters (S23).

    Attributes:
        name: Of a check of `execution/check_rules.py`, such as `mentions`, or of a plug-in in the entry point group
            `bizq_lab.checks`.
        severity: `reject` fails over, `flag` only notes.
        params: Parameters of the check. A task's own `expected` may state the same names and then wins.
    """

    name: CheckName
    severity: Literal["reject", "flag"]
    params: dict[str, JsonValue] = Field(default_factory=dict)


class HedgeSpec(_Frozen):
    """When a second call may start beside one that is late.

    Attributes:
        quantile: Of the model's usual latency, after which the second call starts.
        max_share: Most second calls as a share of the calls of this task type.
        minimum: Fewest answers of a model that say what is usual.
    """

    quantile: Annotated[float, Field(ge=0.5, lt=1.0)] = 0.95
    max_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.02
    minimum: Annotated[int, Field(gt=1)] = 20


class PromptSpec(_Frozen):
    """One prompt variant: sandboxed Jinja over `input` alone."""

    template: str
    system: str = ""


class TaskTypeEntry(_Frozen):
    """One task type (S3).

    Attributes:
        type: Name such as `content.write_blog_post`, or `default`.
        model: Key of the base model of the specification's matrix.
        temperature: Requested temperature.
        top_p: Share of the probability mass that is sampled from; None leaves it to the provider.
        stop: Texts at which the model stops writing; at most four, as the APIs have it.
        max_tokens: Most output tokens.
        min_tokens: Below this many output tokens a result would be truncated.
        speed_tier: As in the matrix.
        reasoning: Why that model, in the specification's words.
        prompts: Prompt variants by name; `default` must exist.
        checks: Acceptance checks in order.
        capabilities: What a model must be able to do.
        side_effects: A repeated execution could act twice (S22).
        value_usd: What one success is worth.
        quality: Where quality comes from (S7). `judge` counts once people were found to agree with the judge; until
            then it is the share of checks passed.
        sample_size: Default n per arm of an experiment.
        margin: Default non-inferiority margin on quality.
        minimum_effect: Default minimum detectable effect on quality.
        models: Keys allowed; empty means all.
        efficiency: Hand-made ordering by value for money, best first (S17).
        judge: Rubric for an LLM judge, or empty.
        judge_model: Key of the model that judges each answer, where `checks` name the check `judge`.
        human_minutes: Estimated minutes when escalated.
        hedge: When a second call may start beside one that is late; None never does.
        stands_for: Prefix such as `content.*` whose undeclared task types take this one's model and parameters (S1).
    """

    type: str
    model: str
    temperature: Annotated[float, Field(ge=0.0, le=2.0)]
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] | None = Field(default=None, exclude_if=_is_unsaid)
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = Field(default=(), max_length=4, exclude_if=_is_unsaid)
    max_tokens: Annotated[int, Field(gt=0)]
    min_tokens: Annotated[int, Field(ge=0)] = 0
    speed_tier: SpeedTier
    reasoning: str
    prompts: dict[str, PromptSpec]
    checks: tuple[CheckSpec, ...] = ()
    capabilities: Names = frozenset()
    side_effects: bool = False
    value_usd: NonNegative
    quality: Literal["rating", "judge", "checks"] = "checks"
    sample_size: Annotated[int, Field(gt=1)] = 100
    margin: Rate = 0.05
    minimum_effect: Rate = 0.1
    models: tuple[str, ...] = ()
    efficiency: tuple[str, ...] = ()
    judge: str = ""
    judge_model: str = Field(default="", exclude_if=_is_unsaid)
    human_minutes: Annotated[int, Field(gt=0)] = 45
    hedge: HedgeSpec | None = None
    stands_for: str = ""

    @model_validator(mode="after")
    def _acts_once(self) -> TaskTypeEntry:
        if self.side_effects and self.hedge is not None:
            message = f"{self.type}: a task with side effects must not be hedged, for both calls could act"
            raise ValueError(message)
        return self

    @property
    def judge_check(self) -> CheckSpec | None:
        """How a judge takes part in acceptance; None where it does not."""
        return next((check for check in self.checks if check.name == "judge"), None)

    @model_validator(mode="after")
    def _is_judged(self) -> TaskTypeEntry:
        check = self.judge_check
        if check is None:
            if self.quality == "judge":
                message = f"{self.type}: quality comes from a judge, but no check is named 'judge'"
                raise ValueError(message)
            return self
        if not self.judge or not self.judge_model:
            message = f"{self.type}: the check 'judge' needs a rubric (judge) and a model (judge_model)"
            raise ValueError(message)
        least = check.params.get("min_score", LEAST_SCORE)
        if isinstance(least, bool) or not isinstance(least, int | float) or not 0.0 <= least <= 1.0:
            message = f"{self.type}: min_score of the check 'judge' == {least!r}, must be in [0, 1]"
            raise ValueError(message)
        return self
