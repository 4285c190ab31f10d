"""A model as it will be called, and what it costs. Knows no catalog file and no routing rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

from bizq_lab.core.noun import Noun

Tier = Literal["economy", "standard", "premium"]
SpeedTier = Literal["fast", "standard", "thorough"]
TIERS: tuple[Tier, ...] = ("economy", "standard", "premium")


class Reason(NamedTuple):
    """Why something was chosen, changed or excluded: a stable code, and the numbers behind it."""

    code: str
    detail: str = ""
    value: float | None = None
    limit: float | None = None
    unit: str = ""

    def __str__(self) -> str:
        """`code: detail (value unit, limit unit)`, leaving out what is absent."""
        text = f"{self.code}: {self.detail}" if self.detail else self.code
        if self.value is None:
            return text
        bound = "" if self.limit is None else f", limit {self.limit:.6g}"
        return f"{text} ({self.value:.6g}{bound}{' ' + self.unit if self.unit else ''})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Unit prices in force for one model, all integer nano-USD.

    Attributes:
        input_nano_usd_per_mtok: Per million input tokens; None when unknown.
        output_nano_usd_per_mtok: Per million output tokens; None when unknown.
        cached_input_nano_usd_per_mtok: Per million cached input tokens; None means as `input`.
        core_second_nano_usd: Per core-second of local compute; None for a hosted model.
        effective_from: ISO date of the price.
        source: Where it was read.
        version: Version of the price book.
    """

    input_nano_usd_per_mtok: int | None = None
    output_nano_usd_per_mtok: int | None = None
    cached_input_nano_usd_per_mtok: int | None = None
    core_second_nano_usd: int | None = None
    effective_from: str = ""
    source: str = ""
    version: str = ""

    @property
    def known(self) -> bool:
        """Whether a cost can be computed at all."""
        tokens = self.input_nano_usd_per_mtok is not None and self.output_nano_usd_per_mtok is not None
        return tokens or self.core_second_nano_usd is not None

    def cost_nano_usd(
        self, input_tokens: int, output_tokens: int, *, cached_input_tokens: int = 0, core_seconds: float = 0.0
    ) -> int | None:
        """Cost of one call in nano-USD, rounded up; None when the price is unknown, never 0.

        `input_tokens` counts all input tokens, `cached_input_tokens` the part of them served from cache.
        """
        if not self.known:
            return None
        total = 0
        if self.core_second_nano_usd is not None:
            total += -int(-self.core_second_nano_usd * core_seconds // 1)
        if self.input_nano_usd_per_mtok is not None and self.output_nano_usd_per_mtok is not None:
            cached_price = self.cached_input_nano_usd_per_mtok
            if cached_price is None:
                cached_price = self.input_nano_usd_per_mtok
            micro = (
                (input_tokens - cached_input_tokens) * self.input_nano_usd_per_mtok
                + cached_input_tokens * cached_price
                + output_tokens * self.output_nano_usd_per_mtok
            )
            total += -(-micro // 1_000_000)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig(Noun):
    """One model with the parameters of one task: the specification's `ModelConfig`.

    Attributes:
        provider: `openai`, `anthropic`, `local`, `replay` or `simulated` as the catalog says.
        model: Catalog name without the provider.
        api_model: The id sent to the provider.
        temperature: Requested; None means the provider's default. What was sent is in the attempt row.
        max_tokens: Most output tokens.
        speed_tier: How fast the model is.
        tier: Price and quality class.
        price: Unit prices in force.
        prompt: Name of the prompt variant.
        prompt_version: Hash of that template.
        seed: Sampling seed, sent where the API accepts one.
        top_p: Share of the probability mass that is sampled from; None means the provider's default.
        stop: Texts at which the model stops writing.
        accepts: Sampling parameters the API accepts; others are decided and logged, and not sent.
        timeout_s: Most seconds for one attempt; None leaves it to the deadline.
        reasons: Why this config is what it is, in order.
    """

    provider: str
    model: str
    api_model: str
    temperature: float | None
    max_tokens: int
    speed_tier: SpeedTier
    tier: Tier
    price: Price
    prompt: str = "default"
    prompt_version: str = ""
    seed: int | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    accepts: frozenset[str] = frozenset({"temperature", "seed"})
    timeout_s: float | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def key(self) -> str:
        """Catalog key `provider/model`."""
        return f"{self.provider}/{self.model}"

    @property
    def requested(self) -> dict[str, float | int | list[str]]:
        """Sampling parameters that were decided, whether or not the API accepts them."""
        asked = {"temperature": self.temperature, "seed": self.seed, "top_p": self.top_p}
        said = {name: value for name, value in asked.items() if value is not None}
        return {**said, "stop": list(self.stop)} if self.stop else {**said}

    @property
    def sampling(self) -> dict[str, float | int | list[str]]:
        """Those of them that are sent, by the names that `accepts` uses."""
        return {name: value for name, value in self.requested.items() if name in self.accepts}

    @property
    def cost_per_token(self) -> float | None:
        """USD per input token: the specification's field, derived, for exports only (S4)."""
        nano = self.price.input_nano_usd_per_mtok
        return None if nano is None else nano / 1e15

    @property
    def reasoning(self) -> str:
        """The reasons as prose; rendered on demand, so it is never stale (S6)."""
        return "; ".join(map(str, self.reasons))

    def because(self, *reasons: Reason, **changes: object) -> Self:
        """A changed copy that also says why."""
        return replace(self, reasons=(*self.reasons, *reasons), **changes)  # type: ignore[arg-type]
