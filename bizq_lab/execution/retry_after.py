"""How long a provider asks us to wait, in every form it is written. Knows no clock: `now_s` is given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime


def retry_after_s(headers: Mapping[str, str], *, now_s: float) -> float | None:
    """Seconds to wait, or None when the provider says nothing usable.

    Args:
        headers: Response headers; looked up without regard to case.
        now_s: Seconds since the epoch, for HTTP dates.

    Returns:
        At least 0. `retry-after-ms` wins over `Retry-After`, as in both SDKs. A date in the past is 0; NaN,
        infinite, negative and unreadable values are None, so that our own backoff decides.
    """
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    milliseconds = _finite(lowered.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    raw = lowered.get("retry-after")
    seconds = _finite(raw)
    return seconds if seconds is not None else _until(raw, now_s)


def _finite(raw: str | None) -> float | None:
    try:
        value = float(raw) if raw is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(raw: str | None, now_s: float) -> float | None:
    if raw is None:
        return None
    try:
        moment = parsedate_to_datetime(raw)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        return max(0.0, aware.timestamp() - now_s)
    except (OverflowError, ValueError):
        return None
