"""How many tokens a text has, by a stated ratio for each script. Must not know prices or models.

Vendors' tokenizers are not available offline, and differ. The ratios are those of the common byte-pair vocabularies,
rounded up: 4 ASCII characters a token, 2 for other alphabets (Latin with accents, Greek, Cyrillic, Hebrew, Arabic),
1 for CJK and the rest of the basic plane, and 2 tokens for each character beyond it (emoji, rare ideographs).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import JsonValue

ASCII_TOKENS = 0.25
ALPHABET_TOKENS = 0.5
IDEOGRAPH_TOKENS = 1.0
ASTRAL_TOKENS = 2.0
_LAST_ALPHABET = "\u07ff"  # the last character of two UTF-8 bytes
_LAST_BASIC = "\uffff"
_SCALAR_CHARS = 6
_PUNCTUATION_CHARS = 4


def count_tokens(text: str) -> float:
    """Expected tokens of a text; at least one for a text that is not empty."""
    if text.isascii():
        return max(1.0, len(text) * ASCII_TOKENS) if text else 0.0
    total = 0.0
    for char in text:
        if char.isascii():
            total += ASCII_TOKENS
        elif char <= _LAST_ALPHABET:
            total += ALPHABET_TOKENS
        else:
            total += IDEOGRAPH_TOKENS if char <= _LAST_BASIC else ASTRAL_TOKENS
    return max(1.0, total)


def count_input(data: Mapping[str, JsonValue]) -> float:
    """Expected tokens of a task's input as a prompt shows it: every text in it, with a little punctuation each."""
    total = 0.0
    for value in data.values():
        total += count_tokens(value) if type(value) is str else _count_value(value)
    return total


def _count_value(value: JsonValue) -> float:
    pending, total = [value], 0.0
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            total += count_tokens(item) + ASCII_TOKENS
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            total += sum(count_tokens(name) + _PUNCTUATION_CHARS * ASCII_TOKENS for name in item)
            pending.extend(item.values())
        else:
            total += _SCALAR_CHARS * ASCII_TOKENS
    return total
