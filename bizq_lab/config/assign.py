"""Sticky assignment: weighted rendezvous hashing, reproducible in any language. Must not know arms, models or configs.

The definition, byte by byte; `assignment_vectors.json` beside this file holds test vectors for other languages:

1. A part is its UTF-8 bytes with a prefix: the number of bytes in decimal ASCII, then `:`. `"ws_1"` becomes `4:ws_1`.
2. For each arm of positive weight, `h = SHA-256(part(salt) + part(unit) + part(arm))`.
3. `k` is the first 8 bytes of `h` as a big-endian unsigned integer, shifted right by 11: a 53-bit integer.
   `u = (k + 1) / 2**53` lies in (0, 1] and is exact in a double.
4. `score = -ln(u) / weight`. The arm of the least score wins; equal scores go to the arm that sorts first by
   code point, which is also the order of the UTF-8 bytes.

`-ln(u) / w` is exponential with rate `w`, and the least of independent exponentials is arm i with probability
`w_i / sum(w)`. Each arm's score depends on its own weight alone. So raising an arm's weight, the others not raised,
never moves a unit out of it, and removing an arm moves only that arm's units. Only ratios of weights matter.

Source: Thaler & Ravishankar 1998 (rendezvous hashing); Schindelhauer & Schomaker 2005 (the logarithmic weights).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from struct import Struct

from bizq_lab.errors import InputError

BUCKETS = 10_000
_TWO_53 = float(1 << 53)
_FIRST_WORD = Struct(">Q").unpack_from


def pick(weights: Mapping[str, float], *, salt: str, unit: str) -> str:
    """The arm that this unit gets, today and in every language.

    Args:
        weights: Non-negative, finite weight of each arm; need not sum to anything.
        salt: Different salts assign independently.
        unit: Who is assigned, such as a workspace id.

    Raises:
        InputError: A weight is negative or not finite, or none is positive.
    """
    arms = prepare(weights)
    return arms[0][0] if len(arms) == 1 else pick_prepared(arms, salt=salt, unit=unit)


PreparedArms = tuple[tuple[str, bytes, float], ...]


def prepare(weights: Mapping[str, float]) -> PreparedArms:
    """Arms of positive weight as `pick_prepared` wants them: in order, with their bytes.

    Raises:
        InputError: A weight is negative or not finite, or none is positive.
    """
    arms = tuple([(arm, _part(arm), float(weight)) for arm, weight in sorted(weights.items()) if weight != 0.0])
    if not arms:
        message = f"weights == {dict(weights)!r}, must hold a positive weight"
        raise InputError(message, hint="give at least one arm a weight")
    for arm, _, weight in arms:
        if not 0.0 < weight < math.inf:
            message = f"weights[{arm!r}] == {weight!r}, must be finite and not negative"
            raise InputError(message)
    return arms


def pick_prepared(arms: PreparedArms, *, salt: str, unit: str) -> str:
    """`pick` without checking and encoding the arms again: the hot path."""
    prefix = _salt_part(salt) + _part(unit)
    best, least = arms[0][0], math.inf
    for arm, part, weight in arms:
        word = _FIRST_WORD(sha256(prefix + part).digest())[0] >> 11
        score = -math.log((word + 1) / _TWO_53) / weight
        if score < least:
            best, least = arm, score
    return best


def bucket(namespace: str, unit: str) -> int:
    """Place of a unit in a namespace, in [0, 10000): experiments of one namespace own disjoint ranges of it.

    The first 53 bits of `SHA-256(part(namespace) + part(unit))`, times 10000, shifted right by 53.
    """
    word = int.from_bytes(sha256(_part(namespace) + _part(unit)).digest()[:8], "big") >> 11
    return word * BUCKETS >> 53


def overlap(ranges: Iterable[tuple[int, int]]) -> bool:
    """Whether some half-open bucket ranges intersect."""
    ordered = sorted(ranges)
    return any(start < stop for (_, stop), (start, _) in pairwise(ordered))


def _part(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return b"%d:%b" % (len(data), data)


_salt_part = lru_cache(maxsize=1024)(_part)  # few salts meet many units
