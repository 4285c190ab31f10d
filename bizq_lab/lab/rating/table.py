"""A sitting as a CSV file and back. A cell that a spreadsheet would compute becomes text (OWASP ASVS 1.2.10)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bizq_lab.core.display import printable
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from bizq_lab.lab.rating.session import Item

COLUMNS = ("card", "decision_id", "question", "answer", "rating", "comment")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def write_table(path: Path, cards: Sequence[tuple[Item, ...]]) -> Path:
    """Write every output with an empty rating.

    Raises:
        InputError: The file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8-sig", newline="", errors="replace") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for number, card in enumerate(cards, 1):
                for item in card:
                    writer.writerow([number, item.decision_id, _text(item.question), _text(item.answer), "", ""])
    except (OSError, ValueError) as error:
        message = f"cannot write {str(path)!r}: {getattr(error, 'strerror', None) or error}"
        raise InputError(message, hint="name a file in a folder you may write to") from None
    return path


def read_table(path: Path, items: Mapping[str, Item]) -> list[tuple[str, float, str]]:
    """Decision, rating and comment of every row that was filled in, after all rows were checked.

    Raises:
        InputError: The file is not one of ours, or a row is wrong; names the row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or type(error).__name__}"
        raise InputError(message, hint="it must be the CSV that to_csv wrote, saved as UTF-8") from None
    if rows and not {"decision_id", "rating"} <= rows[0].keys():
        message = f"{str(path)!r} has columns {sorted(filter(None, rows[0]))}, must have decision_id and rating"
        raise InputError(message, hint="keep the columns that to_csv wrote")
    found = []
    for number, row in enumerate(rows, 2):
        text = (row["rating"] or "").strip().replace(",", ".")
        if not text:
            continue
        if row["decision_id"] not in items:
            message = f"{path}:{number}: decision_id == {row['decision_id']!r}, is not part of this sitting"
            raise InputError(message, hint="read the file into the sitting that wrote it")
        found.append((row["decision_id"], _rating(text, f"{path}:{number}"), _plain(row.get("comment") or "")))
    return found


def _rating(text: str, where: str) -> float:
    try:
        rating = float(text)
    except ValueError:
        rating = 0.0
    if not 1.0 <= rating <= 5.0:  # noqa: PLR2004 - the scale of ratings (S8); NaN fails too
        message = f"{where}: rating == {text!r}, must be a number from 1 to 5"
        raise InputError(message)
    return rating


def _text(value: str) -> str:
    shown = printable(value)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def _plain(value: str) -> str:
    return value[1:] if value.startswith("'") and value[1:].startswith(_FORMULA) else value
