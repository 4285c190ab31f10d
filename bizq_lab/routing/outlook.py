"""What to expect of one model at one task type: quality, seconds, tokens and their prices. Must not know constraints.

Data is shrunk to the catalog's prior as `(n * observed + k * prior) / (n + k)` with k = 10 observations. A cell of the
history is (task type, segment, model); where it is thin, the whole of (task type, model) stands in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.core.snapshot import Evidence, History

if TYPE_CHECKING:
    from bizq_lab.catalog.schema import ModelEntry, TaskTypeEntry
    from bizq_lab.core.model import ModelConfig
    from bizq_lab.core.task import RecentTaskPerformance, RoutingContext

PRIOR_N = 10.0
MIN_CELL_N = 10.0
CONFIDENCE_N = 20.0
MEAN_TO_P95 = 0.5  # before any data, the mean is taken as half the 95th percentile
OUTPUT_SHARES = (0.2, 0.5, 1.0)  # of max_tokens, before any data: low, expected, high
INPUT_BAND = (0.65, 1.35)  # how far a counted input may be off; an input size the caller states is exact
NO_HISTORY = History()
NANO = 1e9
MTOK = 1e6


class Rates(NamedTuple):
    """Prices of one call: `usd = input_tokens * input_usd + output_usd`, the second at three quantiles.

    Attributes:
        known: False when the price is unknown: every cost is then None, never 0.
        input_usd: USD per input token.
        low_usd: USD of the output (or of the local compute) at the low quantile.
        mid_usd: The same, expected.
        high_usd: The same at the high quantile.
        output_tokens: Expected output tokens.
        confidence: In [0, 1): share of the estimate that log data backs.
        logged_input: Low, middle and high quantile of logged input tokens; None while the log holds too few.
    """

    known: bool
    input_usd: float
    low_usd: float
    mid_usd: float
    high_usd: float
    output_tokens: int
    confidence: float
    logged_input: tuple[int, int, int] | None = None


class Outlook(NamedTuple):
    """Expectations of one model at one task type.

    Attributes:
        quality: In [0, 1].
        observed_quality: As logged, before shrinking; 0 without data.
        quality_n: Effective observations behind it.
        seconds: Expected.
        seconds_sd: Standard error of `seconds`; 0 without data.
        p95_s: Predicted 95th percentile in seconds.
        rates: Prices of one call.
    """

    quality: float
    observed_quality: float
    quality_n: float
    seconds: float
    seconds_sd: float
    p95_s: float
    rates: Rates


def segment_of(context: RoutingContext) -> str:
    """The history cell of a context: what most changes how hard a task is. Taken from the original context (S25)."""
    return f"{context.task_complexity}.{context.quality_tier}"


def cell(evidence: Evidence, task_type: str, segment: str, key: str) -> tuple[History, bool]:
    """The history of a cell, and whether it is the segment's own rather than the whole of (task type, model)."""
    own = evidence.history.get((task_type, segment, key))
    if own is not None and own.effective_n >= MIN_CELL_N:
        return own, True
    whole = evidence.history.get((task_type, "", key))
    if whole is not None:
        return whole, False
    return (own, True) if own is not None else (NO_HISTORY, False)


def observed_quality(history: History, source: str) -> tuple[float, float] | None:
    """Quality and its effective n from ONE source: the declared rating, else measured quality, else success (S7)."""
    decay = history.effective_n / history.n if history.n else 0.0
    if source == "rating" and history.rating_mean is not None and history.rating_n:
        return (history.rating_mean - 1.0) / 4.0, history.rating_n * decay
    if history.quality_mean is not None and history.quality_n:
        return history.quality_mean, history.quality_n * decay
    if history.n:
        return history.successes / history.n, history.effective_n
    return None


def outlook(
    entry: TaskTypeEntry,
    model: ModelEntry,
    config: ModelConfig,
    history: tuple[History, bool],
    *,
    multiplier: float = 1.0,
    recent: RecentTaskPerformance | None = None,
) -> Outlook:
    """Expectations of a model as configured.

    Args:
        entry: The task type.
        model: Catalog entry with the priors.
        config: Gives `max_tokens` and the price.
        history: From `cell`.
        multiplier: Of the output, by task complexity; a cell of the segment itself already contains it.
        recent: What the caller knows of the model that usually serves; a prior where the log is empty.
    """
    logged, own = history
    prior_quality, prior_p95 = model.quality_prior, model.latency_prior_s
    prior_mean = prior_p95 * MEAN_TO_P95
    if recent is not None and not logged.n:
        rated = entry.quality == "rating" and recent.user_satisfaction is not None
        prior_quality = (
            (recent.user_satisfaction - 1.0) / 4.0 if rated and recent.user_satisfaction else recent.success_rate
        )
        prior_mean, prior_p95 = recent.average_response_time, max(prior_p95, recent.average_response_time)
    seen = observed_quality(logged, entry.quality)
    observed, quality_n = (0.0, 0.0) if seen is None else seen
    quality = _shrunk(observed, quality_n, prior_quality)
    n = logged.effective_n
    seconds = prior_mean if logged.latency_mean_s is None else _shrunk(logged.latency_mean_s, n, prior_mean)
    p95 = prior_p95 if logged.latency_p95_s is None else _shrunk(logged.latency_p95_s, n, prior_p95)
    error = (logged.latency_sd_s or 0.0) / (n + PRIOR_N) ** 0.5
    rates = _rates(config, logged, multiplier=1.0 if own else multiplier, seconds=seconds, p95=p95)
    return Outlook(quality, observed, quality_n, seconds, error, p95, rates)


def _rates(config: ModelConfig, logged: History, *, multiplier: float, seconds: float, p95: float) -> Rates:
    outputs = output_quantiles(config.max_tokens, logged, multiplier=multiplier)
    confidence = logged.effective_n / (logged.effective_n + CONFIDENCE_N)
    price = config.price
    compute = (price.core_second_nano_usd or 0) / NANO
    fixed = (compute * seconds * 0.5, compute * seconds, compute * max(seconds, p95))
    per_input = (price.input_nano_usd_per_mtok or 0) / NANO / MTOK
    per_output = (price.output_nano_usd_per_mtok or 0) / NANO / MTOK
    low, mid, high = (tokens * per_output + extra for tokens, extra in zip(outputs, fixed, strict=True))
    seen = logged.input_tokens if logged.effective_n >= MIN_CELL_N else None
    return Rates(price.known, per_input, low, mid, high, outputs[1], confidence, seen)


def input_tokens(counted: float, logged: tuple[int, int, int] | None) -> tuple[float, float, float]:
    """Low, expected and high input tokens of a prompt that was counted by script, calibrated by the log (S16).

    A count may be off by `INPUT_BAND`; within that band the log's quantiles of prompts of this kind decide. So a longer
    task is never expected to be smaller, and the high estimate, on which routing filters, never lies below the count. A
    task quite unlike those logged, whose band does not meet their quantiles, is taken as counted.
    """
    least, most = counted * INPUT_BAND[0], counted * INPUT_BAND[1]
    if logged is None or least > logged[2] or most < logged[0]:
        return least, counted, most
    low, mid, high = logged
    return min(max(low, least), counted), min(max(mid, least), most), min(max(high, counted), most)


def output_quantiles(max_tokens: int, logged: History, *, multiplier: float) -> tuple[int, int, int]:
    """Low, expected and high output tokens: the log's quantiles, else shares of `max_tokens`; never above it."""
    if logged.output_tokens is not None:
        raw: tuple[float, float, float] = logged.output_tokens
    else:
        low, mid, high = OUTPUT_SHARES
        raw = (low * max_tokens, mid * max_tokens, high * max_tokens)
    low_n, mid_n, high_n = sorted(min(max_tokens, max(1, round(tokens * multiplier))) for tokens in raw)
    return low_n, mid_n, high_n if logged.output_tokens is not None else max_tokens


def _shrunk(value: float, n: float, prior: float) -> float:
    return (n * value + PRIOR_N * prior) / (n + PRIOR_N)
