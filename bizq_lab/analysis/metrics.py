"""The metrics that questions are asked about: where they are in a row of sums, their unit, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass

from bizq_lab.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of an outcome, a mean over decisions.

    Attributes:
        name: As asked for.
        total: Column with its sum.
        count: Column with how many outcomes have it.
        per_unit: The log's integers to one `unit`.
        unit: As estimates carry it.
        higher_is_better: False for cost and latency.
        support: Least and greatest possible value, if bounded.
    """

    name: str
    total: str
    count: str
    per_unit: int
    unit: str
    higher_is_better: bool
    support: tuple[float, float] | None = None

    @property
    def logged_support(self) -> tuple[float, float] | None:
        """Least and greatest possible value in the log's integers."""
        return None if self.support is None else (self.support[0] * self.per_unit, self.support[1] * self.per_unit)

    @property
    def difference_support(self) -> tuple[float, float] | None:
        """Least and greatest possible difference of two values."""
        if self.support is None:
            return None
        reach = self.support[1] - self.support[0]
        return -reach, reach


_ALL = (
    Metric(
        name="success",
        total="success",
        count="n",
        per_unit=1,
        unit="success",
        higher_is_better=True,
        support=(0.0, 1.0),
    ),
    Metric(
        name="quality",
        total="quality",
        count="quality_n",
        per_unit=10**6,
        unit="quality",
        higher_is_better=True,
        support=(0.0, 1.0),
    ),
    Metric(name="cost", total="cost", count="cost_n", per_unit=10**9, unit="usd", higher_is_better=False),
    Metric(
        name="latency",
        total="latency",
        count="latency_n",
        per_unit=10**6,
        unit="s",
        higher_is_better=False,
    ),
    Metric(
        name="rating",
        total="rating",
        count="rating_n",
        per_unit=10**6,
        unit="rating",
        higher_is_better=True,
        support=(1.0, 5.0),
    ),
)
METRICS = {metric.name: metric for metric in _ALL}
FIRST_TOKEN = Metric(name="first_token", total="ttft", count="ttft_n", per_unit=10**6, unit="s", higher_is_better=False)
RESPONSE = Metric(
    name="response",
    total="rating_n",
    count="n",
    per_unit=1,
    unit="share",
    higher_is_better=True,
    support=(0.0, 1.0),
)
_ALIASES = {"cost_usd": "cost", "response_time": "latency", "response_time_s": "latency", "satisfaction": "rating"}


def metric_named(name: str) -> Metric:
    """The metric of that name.

    Raises:
        InputError: There is none.
    """
    try:
        return METRICS[_ALIASES.get(name, name)]
    except KeyError:
        message = f"metric == {name!r}, must be one of {sorted(METRICS)}"
        raise InputError(message) from None
