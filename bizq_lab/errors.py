"""Every error bizq_lab raises, in one tree; it must not know who raises them.

BizqLabError
├── ConfigError(ValueError)       what a person wrote is wrong; nothing was spent or changed
│   ├── InputError                a value handed to the API or the command line
│   ├── InvalidCatalog            a catalog file
│   ├── InvalidRoutingConfig      a routing.json: schema, checksum, weights
│   ├── UnknownModel              no catalog entry, alias or dated id of that name
│   ├── UnknownTaskType           strict routing met a task type that nobody declared
│   ├── UnknownProvider           no such provider
│   ├── OfflineConfig             a config for study was given to a live provider or exporter
│   ├── RetiredModel              a live config names a model its vendor switched off
│   └── PriceMissing              a budget cannot be kept over an unpriced model
├── RoutingError
│   └── NoFeasibleModel           every candidate violates some hard constraint
├── ExecutionError
│   ├── ProviderError             one attempt failed; carries exactly one error class
│   ├── MissingKey                the environment holds no key for a provider
│   ├── EngineMissing             the embedded local engine or its weights are not installed
│   └── BudgetRefused             a reserve would pass the cap; nothing was sent
├── LogError
│   ├── LogLocked                 another program holds the DuckDB file
│   ├── ForeignFile               the file is not a bizq_lab log
│   ├── SchemaMismatch            the log was written by a newer version
│   ├── JournalWriteError         an event could not be written; the caller must not go on
│   └── UnsupportedPlatform       native Windows, or a network file system
└── EvidenceError(ValueError)
    ├── NotEnoughData             the log cannot answer this question yet
    ├── PositivityViolation       a propensity is not in (0, 1], or an action has no support
    ├── AmbiguousTask             a task has several decisions; name one
    ├── InfeasibleLimits          no weights keep budget and floors; says which to relax by how much
    └── UnsafeProposal            the evidence does not support the weights

A message says what is wrong, the offending value, and after `Hint:` what to do.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterable


class BizqLabError(Exception):
    """Base of every error this package raises."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the message and the hint apart, and show both."""
        self.message = message
        self.hint = hint
        super().__init__(f"{message}\nHint: {hint}" if hint else message)

    def __reduce__(self) -> tuple[object, ...]:
        """Survive pickling between processes without losing attributes."""
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[BizqLabError], args: tuple[object, ...], state: dict[str, object]) -> BizqLabError:
    error = cls.__new__(cls, *args)
    Exception.__init__(error, *args)
    error.__dict__.update(state)
    return error


class ConfigError(BizqLabError, ValueError):
    """What a person wrote is wrong."""


class InputError(ConfigError):
    """A value given to the API or the command line is out of its domain."""


class InvalidCatalog(ConfigError):
    """A catalog file does not describe models and task types."""


class InvalidRoutingConfig(ConfigError):
    """A routing config is malformed, inconsistent, or not what its checksum says."""


class _Unknown(ConfigError):
    """Something was named that is not there; near names are offered."""

    noun = "name"

    @classmethod
    def among(cls, name: str, available: Iterable[str]) -> Self:
        """Build the error from what was asked for and what there is."""
        known = sorted(available)
        near = get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(map(repr, near))}?" if near else f"known: {', '.join(known[:12])}"
        error = cls(f"unknown {cls.noun} {name!r}", hint=hint)
        error.name, error.near = name, tuple(near)
        return error

    name: str
    near: tuple[str, ...]


class UnknownModel(_Unknown):
    """No catalog entry, alias or dated id resolves to this name."""

    noun = "model"


class UnknownTaskType(_Unknown):
    """Strict routing met a task type that nobody declared."""

    noun = "task type"


class UnknownProvider(_Unknown):
    """No provider of that name is built in or plugged in."""

    noun = "provider"


class OfflineConfig(ConfigError):
    """A config for replay, simulation or study met a live provider or an exporter."""


class RetiredModel(ConfigError):
    """A live config names a model that its vendor switched off."""


class PriceMissing(ConfigError):
    """A budget cannot be kept over a model without a price."""


class RoutingError(BizqLabError):
    """Routing could not decide."""


class NoFeasibleModel(RoutingError):
    """Every candidate violates a hard constraint; `reasons` has one line for each."""

    reasons: tuple[tuple[str, str], ...] = ()

    @classmethod
    def for_task(cls, task_type: str, reasons: Iterable[tuple[str, str]]) -> Self:
        """Build the message from one (model key, why) pair a candidate."""
        lines = tuple(reasons)
        width = max((len(key) for key, _ in lines), default=0)
        body = "".join(f"\n  {key:<{width}}  {why}" for key, why in lines)
        error = cls(
            f"no model can serve {task_type!r}: {len(lines)} considered{body}",
            hint="raise max_cost or max_processing_time, or allow more models for this task type",
        )
        error.reasons = lines
        return error


class ExecutionError(BizqLabError):
    """A task could not be executed."""


class MissingKey(ExecutionError):
    """The environment holds no key for a provider."""


class EngineMissing(ExecutionError):
    """The embedded local engine or its weights are not installed."""


class BudgetRefused(ExecutionError):
    """A reserve would pass the cap; nothing was sent."""


class ProviderError(ExecutionError):
    """One attempt failed. `error_class` is exactly one row of the error table.

    Only redacted text is kept: never the request, its headers, or the client's exception.
    """

    def __init__(
        self,
        message: str,
        *,
        error_class: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
        partial_text: str = "",
        response_time_s: float | None = None,
        sent: dict[str, float | int | str | list[str] | None] | None = None,
        hint: str = "",
    ) -> None:
        """Keep what the retry loop and the log need; `response_time_s` and `sent` where the provider knows them."""
        super().__init__(message, hint=hint)
        self.error_class = error_class
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.partial_text = partial_text
        self.response_time_s = response_time_s
        self.sent = sent


class LogError(BizqLabError):
    """The log could not be read or written."""


class LogLocked(LogError):
    """Another program holds the DuckDB file; `pid` names it when DuckDB does."""

    pid: int | None = None


class ForeignFile(LogError):
    """The file is not a bizq_lab log."""


class SchemaMismatch(LogError):
    """The log was written by a newer version of bizq_lab."""


class JournalWriteError(LogError):
    """An event could not be written; whoever asked must not go on."""


class UnsupportedPlatform(LogError):
    """Native Windows or a network file system: atomic appends and locks cannot be promised."""


class EvidenceError(BizqLabError, ValueError):
    """The log does not support an answer."""


class NotEnoughData(EvidenceError):
    """Too few observations to answer."""


class PositivityViolation(EvidenceError):
    """A propensity is not in (0, 1], or a target action was never tried; `missing` lists its (task type, arm) cells."""

    missing: tuple[tuple[str, str], ...] = ()


class AmbiguousTask(EvidenceError):
    """A task has several decisions; the caller must name one."""


class InfeasibleLimits(EvidenceError):
    """No weights keep all limits; `relax` has (limit, amount, unit) of the smallest relaxation that would do."""

    relax: tuple[tuple[str, float, str], ...] = ()


class UnsafeProposal(EvidenceError):
    """The evidence does not support shipping these weights."""
