"""Looks for words in the bytes of files. Reads bytes; knows no table and no log.

Compressed files hide what they hold, so that rows are counted too, elsewhere. A text is sought by the longest pieces of
it that every file writes as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_PLAIN = re.compile(rb"[A-Za-z0-9 _.,:;/-]+")
_WORD = "A-Za-z0-9_-"
_SHORTEST_BYTES, _LONGEST_BYTES, _PIECES_A_TEXT = 10, 64, 4
# Shorter ones turn up in any compressed file by chance.
_SHORTEST_NAME_BYTES = 4
_BLOCK_BYTES = 1 << 23


def pieces_of(texts: Iterable[str]) -> list[bytes]:
    """The longest plain pieces of each text, as bytes; texts without one are left out."""
    found = [sorted(_PLAIN.findall(text.encode(errors="replace")), key=len)[-_PIECES_A_TEXT:] for text in texts]
    pieces = {piece.strip()[:_LONGEST_BYTES] for plain in found for piece in plain}
    return sorted(piece for piece in pieces if len(piece) >= _SHORTEST_BYTES)


def spellings_of(name: str) -> list[str]:
    """A name as files write it: as it is, and as JSON does; none of one that is too short to be told from chance."""
    spelled = {name, json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1]}
    return sorted(one for one in spelled if len(one.encode(errors="replace")) >= _SHORTEST_NAME_BYTES)


def pattern_of(name: str) -> str:
    """A regular expression, of Python's and of RE2's, for a name as a word of its own: `ws_1` is not in `ws_10`."""
    return f"(?:^|[^{_WORD}]){re.escape(name)}(?:$|[^{_WORD}])"


def held_in(file: Path, names: Iterable[str], pieces: Iterable[bytes]) -> tuple[set[str], set[bytes]]:
    """Which of these a file holds: names as words of their own, pieces anywhere."""
    sought = {name: (name.encode(errors="replace"), pattern_of(name).encode(errors="replace")) for name in names}
    wanted = set(pieces)
    overlap = max([len(spelled) for spelled, _ in sought.values()] + [len(piece) for piece in wanted], default=0) + 1
    found, said = set[str](), set[bytes]()
    for block in _blocks(file, overlap):
        found |= {
            name for name, (plain, alone) in sought.items()
            if name not in found and plain in block and re.search(alone, block)
        }  # fmt: skip
        said |= {piece for piece in wanted - said if piece in block}
    return found, said


def _blocks(file: Path, overlap: int) -> Iterator[bytes]:
    """The file's bytes, each block with the end of the one before; nothing of a file that is no more."""
    try:
        with file.open("rb") as opened:
            tail = b""
            while data := opened.read(_BLOCK_BYTES):
                yield tail + data
                tail = (tail + data)[-overlap:]
    except FileNotFoundError:
        return  # a segment may go while we look
