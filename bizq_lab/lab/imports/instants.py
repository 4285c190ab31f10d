"""Instants as other systems write them, in UTC microseconds since the epoch. Knows no field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bizq_lab.lab.imports.refused import RefusedRow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Digits before the point tell the unit: seconds until the year 5138, then milli-, micro- and nanoseconds.
_UNITS = ((10**11, 10**6), (10**14, 10**3), (10**17, 1))


def epoch_us(number: Decimal) -> int:
    """Microseconds since the epoch of a number of seconds, milli-, micro- or nanoseconds, told by its size."""
    scale = next((us for below, us in _UNITS if number < below), None)
    return int(number * scale) if scale is not None else int(number) // 1000


def iso_us(name: str, text: str) -> int:
    """Microseconds since the epoch of an instant in ISO 8601; without a zone it is UTC.

    Raises:
        RefusedRow: It is no such text.
    """
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return (aware - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise RefusedRow(f"{name} is no instant", text) from None
