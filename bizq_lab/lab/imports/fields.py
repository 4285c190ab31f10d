"""One foreign row, field by field: text, counts, money and instants, each checked. Knows no gateway and no log.

A field is named as it is in the file. A dot also reaches into a JSON object (`metadata.status`), which in CSV is text.
An empty value is an absent one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from bizq_lab.core.ids import digest
from bizq_lab.core.money import Money
from bizq_lab.lab.imports.instants import epoch_us, iso_us
from bizq_lab.lab.imports.refused import RefusedRow

__all__ = ["Fields", "RefusedRow"]
LONGEST_NAME: Final = 500
MOST_USD, MOST_COUNT, MOST_SECONDS = 1_000_000, 1_000_000_000, 7 * 86_400
US_PER_S: Final = 1_000_000
_FIRST_US = 1_420_070_400_000_000  # 2015: before it, no such call was made
_NUMBER = re.compile(
    r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?|[-+]?(?:nan|inf(?:inity)?)", re.IGNORECASE
)
_LONGEST_NUMBER = 60
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SECRET = re.compile(r"api[-_ ]?key|authorization|secret|password|(?:^|[._])token(?:$|[._])", re.IGNORECASE)


class Fields:
    """The fields of one row.

    Args:
        values: By name, as the file has them.
        latest_us: No instant may lie after it, UTC microseconds since the epoch.
        spreadsheet: Text may begin with the apostrophe that guards a spreadsheet; it is taken off again.
    """

    def __init__(self, values: Mapping[str, Any], *, latest_us: int, spreadsheet: bool = False) -> None:
        """Nothing is checked before it is asked for."""
        self.values, self.latest_us, self.spreadsheet = values, latest_us, spreadsheet

    def raw(self, *names: str) -> Any:
        """The first of these that is there, as it is; None if none is."""
        return next((found for name in names if (found := _reach(self.values, name)) not in (None, "")), None)

    def text(self, *names: str, longest: int = LONGEST_NAME) -> str:
        """Text such as an id or a name; empty if absent."""
        value = self.raw(*names)
        if value is None:
            return ""
        if isinstance(value, (dict, list)):
            raise RefusedRow(f"{names[0]} is not text", value)
        text = self.unguarded(str(value))
        if len(text) > longest:
            raise RefusedRow(f"{names[0]} is longer than {longest} characters", text)
        return text

    def payload(self, *names: str) -> Any:
        """What was said, as JSON data; None if absent."""
        value = self.raw(*names)
        if isinstance(value, str):
            text = self.unguarded(value)
            value = _parsed(text, text)
        try:
            return json.loads(json.dumps(value, default=float, allow_nan=False))
        except (ValueError, RecursionError):
            raise RefusedRow(f"{names[0]} is not JSON", value) from None

    def number(self, *names: str, least: float, most: float) -> Decimal | None:
        """A finite number within bounds, exact; None if absent."""
        value = self.raw(*names)
        if value is None:
            return None
        text = str(value).strip()
        if isinstance(value, bool) or len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
            raise RefusedRow(f"{names[0]} is not a number", value)
        number = Decimal(text)
        if not number.is_finite():
            raise RefusedRow(f"{names[0]} is not finite", value)
        if number < Decimal(least):
            raise RefusedRow(f"{names[0]} is below {least:,}", value)
        if number > Decimal(most):
            raise RefusedRow(f"{names[0]} is above {most:,}", value)
        return number

    def count(self, *names: str, most: int = MOST_COUNT) -> int | None:
        """A whole number, not negative; None if absent."""
        number = self.number(*names, least=0, most=most)
        if number is not None and number != int(number):
            raise RefusedRow(f"{names[0]} is not whole", number)
        return None if number is None else int(number)

    def nano_usd(self, *names: str) -> int | None:
        """Dollars as nano-USD, rounded once; None if absent."""
        usd = self.number(*names, least=0, most=MOST_USD)
        return None if usd is None else Money.from_usd(usd).nano_usd

    def duration_us(self, *names: str, us_per_unit: int = US_PER_S) -> int | None:
        """A duration in microseconds; None if absent."""
        number = self.number(*names, least=0, most=MOST_SECONDS * US_PER_S // us_per_unit)
        return None if number is None else round(number * us_per_unit)

    def instant_us(self, *names: str) -> int | None:
        """UTC microseconds since the epoch, from ISO (UTC where it has no zone) or a number of s, ms, µs or ns."""
        value = self.raw(*names)
        if value is None:
            return None
        text = str(value).strip()
        if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) and not isinstance(value, bool):
            us = epoch_us(self.number(*names, least=0, most=10**20) or Decimal(0))
        else:
            us = iso_us(names[0], text)
        if not _FIRST_US <= us <= self.latest_us:
            raise RefusedRow(f"{names[0]} lies before 2015 or in the future", value)
        return us

    def is_true(self, *names: str) -> bool:
        """Whether a flag is set."""
        return str(self.raw(*names)).strip().casefold() in {"true", "1", "yes"}

    def fingerprint(self) -> str:
        """What the row says, hashed; without what looks like a secret."""
        kept = {name: value for name, value in self.values.items() if not _SECRET.search(name)}
        return digest(json.dumps(kept, sort_keys=True, default=str))

    def unguarded(self, text: str) -> str:
        """Text without the apostrophe that kept a spreadsheet from taking it for a formula."""
        guarded = self.spreadsheet and text[:1] == "'" and text[1:2] in _FORMULA
        return text[1:] if guarded else text


def _reach(values: Mapping[str, Any], name: str) -> Any:
    if name in values:
        return values[name]
    head, dot, rest = name.partition(".")
    inside = values.get(head) if dot else None
    if isinstance(inside, str):
        inside = _parsed(inside, None)
    return _reach(inside, rest) if isinstance(inside, dict) else None


def _parsed(text: str, otherwise: Any) -> Any:
    if text.lstrip()[:1] not in {"{", "["}:
        return otherwise
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=Decimal)
    except (ValueError, RecursionError):
        return otherwise
