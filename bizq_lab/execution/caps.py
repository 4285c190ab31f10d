"""What money may be spent, and what was: caps, calls as they are booked, periods. Knows no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

from bizq_lab.core.money import Money
from bizq_lab.errors import BudgetRefused, InputError

Period = Literal["day", "month", "total"]
EVERYONE = "*"
_RUN = "run:"
PERIODS: Mapping[Period, str] = {"day": "%Y-%m-%d", "month": "%Y-%m", "total": "total"}


@dataclass(frozen=True, slots=True)
class Cap:
    """Most USD per period (UTC); a call that could pass it is refused before it is sent."""

    usd: float
    period: Period = "month"


class Booking(NamedTuple):
    """One call as the log knows it.

    Attributes:
        attempt_id: The call.
        workspace_id: Whose it was; empty when nobody decided it, so that only the cap of everyone counts it.
        started_at_us: When it was sent; its money counts in the periods of that instant.
        nano_usd: What it cost, or its worst case while nobody knows.
        ended: Whether that is final.
    """

    attempt_id: str
    workspace_id: str
    started_at_us: int
    nano_usd: int
    ended: bool


class Abandoned(NamedTuple):
    """Money set aside by a process that is gone: for a call that nobody saw the end of, or that was never made."""

    attempt_id: str
    reserved_at_us: int


def period_of(cap: Cap | None, now_us: int) -> str:
    """The period of a cap that an instant lies in, by name; a month where there is no cap."""
    name: Period = cap.period if cap is not None else "month"
    return datetime.fromtimestamp(now_us / 1e6, tz=UTC).strftime(PERIODS[name])


def run_scope(run: str, usd: float) -> tuple[str, Cap]:
    """What a run is booked under, and its cap.

    Raises:
        InputError: The cap is not an amount.
    """
    cap = Cap(usd, "total")
    check_cap("this run", cap)
    return f"{_RUN}{run}", cap


def check_cap(scope: str, cap: object) -> None:
    """Refuse a cap that is no amount per period.

    Raises:
        InputError: It is not.
    """
    if not isinstance(cap, Cap) or cap.period not in get_args(Period):
        message = f"cap of {scope!r} == {cap!r}, must be a Cap per {', '.join(get_args(Period))}"
        raise InputError(message, hint='budgets={"ws_1": Cap(usd=20, period="day")}')
    if Money.from_usd(cap.usd).nano_usd < 0:
        message = f"cap of {scope!r} == {cap.usd!r}, must be >= 0"
        raise InputError(message, hint="0 refuses every call; leave the cap out for no limit")


def refusal(scope: str, cap: Cap, spent: int, nano_usd: int) -> BudgetRefused:
    """The error of a call that could pass a cap."""
    who = "all workspaces" if scope == EVERYONE else f"workspace {scope!r}"
    if scope.startswith(_RUN):
        who = "this run"
    message = (
        f"worst case {Money(nano_usd)} would pass the {cap.period} cap of {who}: {Money(spent)} of ${cap.usd:g} booked"
    )
    wait = "" if cap.period == "total" else ", or wait for the next period"
    return BudgetRefused(message, hint=f"raise the cap or lower max_tokens{wait}")
