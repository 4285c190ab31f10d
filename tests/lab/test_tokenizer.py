"""S16: a vendor's tokenizer counts where its vocabulary already lies on this machine, and nothing is ever fetched."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from bizq_lab.lab.tokenizer import offline_tokenizer

ADDRESS = "https://example.invalid/o200k_base.tiktoken"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tiktoken as far as we use it: reads the cache folder, else fetches; what it fetched is the fixture."""
    calls: list[str] = []
    load, top = ModuleType("tiktoken.load"), ModuleType("tiktoken")

    def read_file(address: str) -> bytes:
        calls.append(address)
        return b"vocabulary"

    def get_encoding(name: str) -> SimpleNamespace:
        import os  # noqa: PLC0415 - as the real one, at call time

        if not (Path(os.environ["TIKTOKEN_CACHE_DIR"]) / name).exists():
            load.read_file(ADDRESS)
        return SimpleNamespace(encode_ordinary=str.split)

    load.read_file = read_file  # type: ignore[attr-defined]
    top.load, top.get_encoding = load, get_encoding  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tiktoken", top)
    monkeypatch.setitem(sys.modules, "tiktoken.load", load)
    return calls


def test_s16_a_vocabulary_in_the_cache_counts(
    fetched: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "o200k_base").touch()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    count = offline_tokenizer()
    assert count is not None
    assert count("one two three") == 3
    assert fetched == []


def test_s16_a_vocabulary_that_would_have_to_be_fetched_is_not(
    fetched: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert offline_tokenizer() is None
    assert fetched == []
    sys.modules["tiktoken"].load.read_file(ADDRESS)  # left as it was found
    assert fetched == [ADDRESS]


def test_s16_without_a_cache_folder_tiktoken_is_not_even_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    assert offline_tokenizer() is None
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert offline_tokenizer() is None
