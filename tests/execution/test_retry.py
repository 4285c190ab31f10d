"""Waits stay in bounds, headers are honoured in every form, retries stay a tenth of requests."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.execution.error_table import ERROR_TABLE, action_for
from bizq_lab.execution.retry import ChainBudget, RetrySettings, RetryTokens, wait_before_retry
from bizq_lab.execution.retry_after import retry_after_s

NOW = 1_795_000_000.0
SETTINGS = RetrySettings()


@given(st.sampled_from(sorted(ERROR_TABLE)), st.integers(0, 5), st.none() | st.floats(0, 1e6), st.integers())
def test_a_wait_is_in_bounds_or_there_is_none(name: str, retries: int, asked: float | None, seed: int) -> None:
    action = action_for(name)
    wait = wait_before_retry(action, retries=retries, retry_after_s=asked, settings=SETTINGS, rng=random.Random(seed))
    if wait is None:
        assert retries >= action.retries or (asked is not None and asked > SETTINGS.longest_wait_s)
    elif asked is None:
        assert 0 <= wait <= min(SETTINGS.backoff_cap_s, SETTINGS.backoff_base_s * 2**retries)
    else:
        assert asked <= wait <= asked * (1 + SETTINGS.jitter)


def test_jitter_is_full() -> None:
    """The mean of a uniform wait is half its ceiling: clients spread over the whole interval, not around its end."""
    rng = random.Random(7)
    waits = [
        wait_before_retry(action_for("server_error"), retries=1, retry_after_s=None, settings=SETTINGS, rng=rng) or 0.0
        for _ in range(4000)
    ]
    assert sum(waits) / len(waits) == pytest.approx(0.5, abs=0.02)


@given(st.dictionaries(st.sampled_from(["Retry-After", "retry-after", "retry-after-ms", "x"]), st.text(max_size=40)))
def test_any_header_is_a_usable_wait_or_none(headers: dict[str, str]) -> None:
    wait = retry_after_s(headers, now_s=NOW)
    assert wait is None or (math.isfinite(wait) and wait >= 0)


@given(st.integers(-(10**6), 10**6), st.integers(-12, 12))
def test_a_date_is_the_time_until_it_in_any_zone(delta_s: int, zone_h: int) -> None:
    moment = datetime.fromtimestamp(NOW + delta_s, tz=timezone(timedelta(hours=zone_h)))
    assert retry_after_s({"Retry-After": format_datetime(moment)}, now_s=NOW) == max(0, delta_s)


def test_a_date_without_a_zone_is_utc() -> None:
    moment = datetime.fromtimestamp(NOW + 60, tz=UTC).strftime("%a, %d %b %Y %H:%M:%S")
    assert retry_after_s({"Retry-After": moment}, now_s=NOW) == 60


def test_milliseconds_win_over_seconds_and_dates() -> None:
    headers = {"Retry-After-Ms": "250", "Retry-After": formatdate(NOW + 9, usegmt=True)}
    assert retry_after_s(headers, now_s=NOW) == 0.25


@given(st.integers(0, 400), st.integers(0, 3))
def test_retries_never_exceed_a_tenth_of_requests_and_three(requests: int, eager: int) -> None:
    tokens = RetryTokens(SETTINGS)
    retries = 0
    for _ in range(requests):
        tokens.deposit("openai")
        retries += sum(tokens.take("openai") for _ in range(eager))
    assert retries <= requests * SETTINGS.deposit + SETTINGS.tokens + 1e-6


def test_one_providers_outage_does_not_use_up_anothers_retries() -> None:
    tokens = RetryTokens(SETTINGS)
    assert [tokens.take("openai") for _ in range(4)] == [True, True, True, False]
    assert tokens.take("anthropic")


def test_an_unknown_worst_case_never_fits_under_a_cap() -> None:
    """S4: a budget check refuses an unknown price."""
    capped = ChainBudget(attempts_left=1, deadline_s=None, cap_nano_usd=100)
    free = ChainBudget(attempts_left=1, deadline_s=None, cap_nano_usd=None)
    assert not capped.fits_money(None)
    assert free.fits_money(None)
    assert capped.fits_money(100)
    capped.spend(seconds=1.0, nano_usd=1)
    assert not capped.fits_money(100)
