"""A world with known truth over a catalog's models and task types. Knows no provider, no log and no clock.

Each task has a difficulty that all models share, so that paired outcomes correlate as they do in life. Everything is
a function of (seed, task key, model, prompt variant, repeat): asking twice, or in another order, changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.simulate.draws import (
    logit,
    mean_clipped_lognormal,
    mean_sigmoid,
    normal_at,
    normals,
    sigmoid,
    uniforms,
)

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog

DIFFICULTY_SD = 1.0
INPUT_SIGMA = 0.3
OUTPUT_SIGMA = 0.35
LATENCY_SIGMA = 0.5
FAILED_QUALITY = 0.8  # a failed answer's quality is uniform below this
FIRST_TOKEN_SHARE = 0.15
_P95 = normal_at(0.95)
_TIMEOUT_SHARE = 0.3  # of the errors


class Truth(NamedTuple):
    """What is expected of one call of one model at one task type, over all tasks.

    Attributes:
        success: Probability that it answers, and acceptably.
        quality: Expected quality of an answer, in [0, 1].
        cost_usd: Expected cost of a call, an error costing nothing; None when the catalog has no price.
        response_time_s: Expected seconds of an answer.
        p95_s: 95th percentile of the same.
        error_rate: Probability of an error instead of an answer.
        input_tokens: Expected input tokens of an answer.
        output_tokens: Expected output tokens of an answer.
    """

    success: float
    quality: float
    cost_usd: float | None
    response_time_s: float
    p95_s: float
    error_rate: float
    input_tokens: float
    output_tokens: float


class Outcome(NamedTuple):
    """One simulated call.

    Attributes:
        succeeded: Whether the answer is acceptable; False for an error.
        error_class: Empty, or the error instead of an answer.
        quality: In [0, 1]; None for an error.
        input_tokens: Tokens in; 0 for an error.
        output_tokens: Tokens out; 0 for an error.
        response_time_s: Seconds to the end, or to the error.
        first_token_s: Seconds to the first token; None for an error.
        cost_nano_usd: None when the catalog has no price.
    """

    succeeded: bool
    error_class: str
    quality: float | None
    input_tokens: int
    output_tokens: int
    response_time_s: float
    first_token_s: float | None
    cost_nano_usd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How one model has changed: what a vendor's silent update does.

    Attributes:
        model: Catalog key.
        task_type: Only this type; empty means all.
        skill: Added to the logit of success.
        latency_factor: Multiplies the response time.
        served_suffix: Added to the id the provider says it served; empty when the vendor does not tell.
    """

    model: str
    task_type: str = ""
    skill: float = 0.0
    latency_factor: float = 1.0
    served_suffix: str = ""


class _Cell(NamedTuple):
    """Parameters of one (task type, model, prompt variant)."""

    skill: float
    difficulty_sd: float
    input_median: float
    output_median: float
    output_limit: int
    latency_median_s: float
    error_rate: float


@dataclass(frozen=True)
class World:
    """Known truth, drawn once from a seed.

    Attributes:
        seed: Everything derives from it.
        catalog: Whose models and task types it covers.
        drifts: Changes in force.
    """

    seed: int
    catalog: Catalog
    drifts: tuple[Drift, ...] = ()

    def drifted(self, *drifts: Drift) -> World:
        """The same world after these models have changed."""
        return replace(self, drifts=(*self.drifts, *drifts))

    def truth(self, task_type: str, model: str, *, prompt: str = "default") -> Truth:
        """What is expected of `model` at `task_type` (see `Truth`).

        Raises:
            UnknownModel: The catalog does not know `model`.
        """
        key, cell = self._cell(task_type, model, prompt)
        answered = 1.0 - cell.error_rate
        accepted = mean_sigmoid(cell.skill, cell.difficulty_sd)
        tokens_in = cell.input_median * math.exp(INPUT_SIGMA**2 / 2)
        tokens_out = mean_clipped_lognormal(cell.output_median, OUTPUT_SIGMA, cell.output_limit)
        seconds = cell.latency_median_s * math.exp(LATENCY_SIGMA**2 / 2)
        cost = self._expected_cost_usd(key, tokens_in, tokens_out, seconds)
        return Truth(
            success=answered * accepted,
            quality=accepted + (1.0 - accepted) * FAILED_QUALITY / 2,
            cost_usd=None if cost is None else answered * cost,
            response_time_s=seconds,
            p95_s=cell.latency_median_s * math.exp(LATENCY_SIGMA * _P95),
            error_rate=cell.error_rate,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
        )

    def draw(
        self, task_type: str, task_key: str, model: str, *, prompt: str = "default", repeat: int = 0, attempt: int = 0
    ) -> Outcome:
        """What happens when `model` is called for this task, this repeat and this attempt.

        Raises:
            UnknownModel: The catalog does not know `model`.
        """
        key, cell = self._cell(task_type, model, prompt)
        difficulty, size = normals(2, self.seed, "task", task_type, task_key)
        luck, fault, kind, quality, longer, slower = uniforms(
            6, self.seed, "call", task_type, task_key, key, prompt, repeat, attempt
        )
        seconds = cell.latency_median_s * math.exp(LATENCY_SIGMA * normal_at(slower))
        if fault < cell.error_rate:
            timed_out = kind < _TIMEOUT_SHARE
            name = "timeout_read" if timed_out else "overloaded"
            return Outcome(
                succeeded=False,
                error_class=name,
                quality=None,
                input_tokens=0,
                output_tokens=0,
                response_time_s=seconds if timed_out else seconds / 10,
                first_token_s=None,
                cost_nano_usd=0,
            )
        succeeded = luck < sigmoid(cell.skill + cell.difficulty_sd * difficulty)
        tokens_in = max(1, round(cell.input_median * math.exp(INPUT_SIGMA * size)))
        wanted = cell.output_median * math.exp(OUTPUT_SIGMA * normal_at(longer))
        tokens_out = max(1, min(cell.output_limit, round(wanted)))
        price = self.catalog.price(key)
        return Outcome(
            succeeded=succeeded,
            error_class="",
            quality=1.0 if succeeded else FAILED_QUALITY * quality,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            response_time_s=seconds,
            first_token_s=FIRST_TOKEN_SHARE * seconds,
            cost_nano_usd=price.cost_nano_usd(tokens_in, tokens_out, core_seconds=self.core_seconds(key, seconds)),
        )

    def core_seconds(self, model: str, seconds: float) -> float:
        """Local compute of a call: one core for its whole time; a hosted model uses none of ours."""
        return seconds if self.catalog.resolve(model).residency == "local" else 0.0

    def served_model(self, task_type: str, model: str) -> str:
        """The id the provider says it served."""
        entry = self.catalog.resolve(model)
        return entry.api_model + "".join(d.served_suffix for d in self._drifts(task_type, entry.key))

    def _drifts(self, task_type: str, key: str) -> tuple[Drift, ...]:
        return tuple(d for d in self.drifts if d.model == key and d.task_type in ("", task_type))

    @cached_property
    def _cells(self) -> dict[tuple[str, str, str], tuple[str, _Cell]]:
        return {}

    def _cell(self, task_type: str, model: str, prompt: str) -> tuple[str, _Cell]:
        known = self._cells.get((task_type, model, prompt))
        if known is None:
            key = self.catalog.resolve(model).key
            known = self._cells[task_type, model, prompt] = key, self._drawn_cell(task_type, key, prompt)
        return known

    def _drawn_cell(self, task_type: str, key: str, prompt: str) -> _Cell:
        """Parameters around the catalog's priors: a better model is better on average, not everywhere."""
        entry, (kind, _) = self.catalog.resolve(key), self.catalog.task_type(task_type)
        own, verbosity, speed = normals(3, self.seed, "cell", task_type, key)
        harder, length = normals(2, self.seed, "type", task_type)
        variant = normals(1, self.seed, "variant", task_type, key, prompt)[0]
        engineered = prompt != "default"
        limit = min(kind.max_tokens, entry.output_limit)
        prior = min(max(entry.quality_prior, 0.02), 0.98)
        cell = _Cell(
            skill=logit(prior) + 0.6 * own - 0.4 * harder + ((0.4 + 0.3 * variant) if engineered else 0.0),
            difficulty_sd=DIFFICULTY_SD,
            input_median=300.0 * math.exp(0.4 * length) * (1.6 if engineered else 1.0),
            output_median=0.4 * limit * math.exp(0.2 * verbosity),
            output_limit=limit,
            latency_median_s=entry.latency_prior_s * math.exp(-LATENCY_SIGMA * _P95 + 0.15 * speed),
            error_rate=0.004 + 0.016 * uniforms(1, self.seed, "errors", key)[0],
        )
        for drift in self._drifts(task_type, key):
            cell = cell._replace(
                skill=cell.skill + drift.skill, latency_median_s=cell.latency_median_s * drift.latency_factor
            )
        return cell

    def _expected_cost_usd(self, key: str, tokens_in: float, tokens_out: float, seconds: float) -> float | None:
        """Cost of the mean call, which is the mean cost: cost is linear in tokens and seconds."""
        price = self.catalog.price(key)
        if not price.known:
            return None
        nano = (price.core_second_nano_usd or 0) * self.core_seconds(key, seconds)
        nano += tokens_in * (price.input_nano_usd_per_mtok or 0) / 1e6
        nano += tokens_out * (price.output_nano_usd_per_mtok or 0) / 1e6
        return nano / 1e9
