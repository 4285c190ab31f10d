"""A vendor's tokenizer, where its vocabulary already lies on this machine. Never fetches one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

CACHE_VARIABLES = ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")


def offline_tokenizer(encoding: str = "o200k_base") -> Callable[[str], int] | None:
    """Counts tokens by an OpenAI vocabulary, or None where that is not to be had without a network.

    It needs the package `tiktoken` and a folder named by `TIKTOKEN_CACHE_DIR` that holds the vocabulary. Decisions then
    depend on the machine having it, so it is never chosen silently: pass it to `Lab.open`, `AITaskRouter` or
    `CostCalculator`.

    Args:
        encoding: tiktoken's name of the vocabulary.
    """
    folder = next((os.environ[name] for name in CACHE_VARIABLES if os.environ.get(name)), "")
    if not folder or not Path(folder).is_dir():
        return None
    try:
        import tiktoken  # noqa: PLC0415 - optional
        import tiktoken.load  # noqa: PLC0415 - as above
    except ImportError:
        return None
    fetch = tiktoken.load.read_file
    tiktoken.load.read_file = _refuse  # what is not in the cache would be downloaded
    try:
        vocabulary = tiktoken.get_encoding(encoding)
    except (OSError, ValueError):
        return None
    finally:
        tiktoken.load.read_file = fetch
    return lambda text: len(vocabulary.encode_ordinary(text))


def _refuse(address: str) -> bytes:
    message = f"{address} is not in the cache, and nothing is fetched"
    raise FileNotFoundError(message)
