"""What each class of failure means for the retry loop: data only. Knows no SDK, no clock and no model.

Every failure falls into exactly one class (S19); the class alone decides whether the same model is tried again,
which models may follow, whether a person must hear of it, what the circuit breaker learns, and who may have paid.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

FailOver = Literal["none", "any", "other_provider", "larger_window"]
BreakerScope = Literal["none", "count", "model", "provider"]
Billing = Literal["no", "maybe", "yes"]
Report = Literal["surface", "quiet"]


class ErrorAction(NamedTuple):
    """One row of the table.

    Attributes:
        name: The class, as stored in `attempt.error_type`.
        retries: How often the same model may be tried again.
        fail_over: Which models may follow.
        report: `surface` when a person has to act: named in the result's reasoning and logged as a warning.
        breaker: `count` feeds the failure rate; `model` and `provider` open that circuit at once.
        billed: Whether the provider may charge for the call; `maybe` keeps the worst case booked.
        setup: Nothing was wrong with the arm; the installation cannot make this call at all.
        meaning: For people.
    """

    name: str
    retries: int
    fail_over: FailOver
    report: Report
    breaker: BreakerScope
    billed: Billing
    meaning: str
    setup: bool = False

    @property
    def surface(self) -> bool:
        """Whether a person must hear of it."""
        return self.report == "surface"


# fmt: off - one row a class
_ROWS = (
    ErrorAction("rate_limit", 2, "any", "quiet", "none", "no", "too many requests or tokens per minute"),
    ErrorAction("quota_exhausted", 0, "other_provider", "surface", "provider", "no", "spend limit or credit used up"),
    ErrorAction("overloaded", 2, "any", "quiet", "count", "no", "the provider is overloaded"),
    ErrorAction("server_error", 2, "any", "quiet", "count", "no", "the provider failed"),
    ErrorAction(
        "gateway_timeout", 2, "any", "quiet", "count", "maybe", "a gateway gave up waiting; the model may have run"
    ),
    ErrorAction("timeout_connect", 2, "any", "quiet", "count", "no", "no connection in time"),
    ErrorAction("dns", 2, "any", "quiet", "count", "no", "the host name does not resolve"),
    ErrorAction("refused", 2, "any", "quiet", "count", "no", "connection refused"),
    ErrorAction("tls", 0, "any", "surface", "count", "no", "the certificate or handshake failed"),
    ErrorAction("timeout_read", 1, "any", "quiet", "count", "maybe", "no complete answer in time"),
    ErrorAction("reset", 1, "any", "quiet", "count", "maybe", "the connection broke after the request was sent"),
    ErrorAction("auth", 0, "other_provider", "surface", "provider", "no", "the key is refused or lacks a permission"),
    ErrorAction("model_not_found", 0, "any", "surface", "model", "no", "no such model, or it was retired"),
    ErrorAction("bad_request", 0, "none", "surface", "none", "no", "the request is wrong, and would be everywhere"),
    ErrorAction(
        "context_length", 0, "larger_window", "surface", "none", "no", "the prompt does not fit the context window"
    ),
    ErrorAction("content_filter", 0, "none", "surface", "none", "maybe", "the provider's policy refused the request"),
    ErrorAction("malformed", 1, "any", "quiet", "count", "maybe", "the answer is not what the API promises"),
    ErrorAction("quality_reject", 0, "any", "quiet", "none", "yes", "an acceptance check rejected the answer"),
    ErrorAction("budget", 0, "any", "surface", "none", "no", "the worst case would pass a budget; nothing was sent"),
    ErrorAction("deadline", 0, "none", "quiet", "none", "no", "no time left; nothing was sent"),
    ErrorAction("circuit_open", 0, "any", "quiet", "none", "no", "the circuit is open; nothing was sent"),
    ErrorAction("cancelled", 0, "none", "quiet", "none", "maybe", "the caller cancelled"),
    ErrorAction(
        "missing_key", 0, "other_provider", "surface", "none", "no", "the environment holds no key", setup=True
    ),
    ErrorAction(
        "engine_missing", 0, "other_provider", "surface", "none", "no", "the local engine is not there", setup=True
    ),
    ErrorAction("not_recorded", 0, "any", "surface", "none", "no", "the recording holds no such outcome", setup=True),
    ErrorAction("unexpected", 0, "any", "surface", "count", "maybe", "a provider raised something it must not"),
)
# fmt: on

ERROR_TABLE: dict[str, ErrorAction] = {row.name: row for row in _ROWS}


def action_for(error_class: str) -> ErrorAction:
    """The row of a class; a class that a plug-in invented is treated as `unexpected`."""
    return ERROR_TABLE.get(error_class, ERROR_TABLE["unexpected"])
