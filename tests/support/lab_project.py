"""What a crontab line has to be, for the recipes and for a project's own. Asserts nothing."""

from __future__ import annotations

import re
from datetime import date

DAY = date(2026, 11, 27)
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def cron_lines(text: str) -> list[str]:
    """The lines that cron would run."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def valid_cron(line: str) -> bool:
    """Five fields in their ranges and a command without a bare percent sign, which cron would take for its end."""
    *fields, command = [*line.split(None, 5), ""][:6]
    ranged = len(fields) == 5 and all(_valid(f, low, high) for f, (low, high) in zip(fields, RANGES, strict=True))
    return ranged and bool(command) and not re.search(r"(?<!\\)%", command)


def _valid(field: str, low: int, high: int) -> bool:
    matched = [re.fullmatch(r"(?:\*|(\d+)(?:-(\d+))?)(?:/\d+)?", part) for part in field.split(",")]
    return all(m is not None and all(low <= int(n) <= high for n in m.groups() if n) for m in matched)
