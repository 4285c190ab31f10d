from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bizq_lab.core.events import EVENTS
from bizq_lab.store import lines
from tests.support.store_events import make_event

texts = st.text(st.characters(codec=None), max_size=40)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", EVENTS)
def test_a_line_is_json_with_every_field_and_says_what_it_is(kind: str) -> None:
    event = make_event(kind)
    line = lines.encode(event)
    assert line.endswith(b"\n")
    assert lines.examine(line[:-1]) == (kind, "")
    body = json.loads(line)
    assert body.pop("kind") == kind
    assert len(body.pop("crc")) == 8
    assert body == {name: getattr(event, name) for name in body}


@given(comment=texts, context=documents)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_any_text_makes_one_sound_line(comment: str, context: Any) -> None:
    """Newlines, NUL and lone surrogates included: only the surrogates change, to U+FFFD."""
    for line in (
        lines.encode(make_event("feedback", comment=comment)),
        lines.encode(make_event("decision", context=context)),
    ):
        assert line.count(b"\n") == 1
        assert lines.examine(line[:-1]).problem == ""
    expected = comment.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert json.loads(lines.encode(make_event("feedback", comment=comment)))["comment"] == expected


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    line = lines.encode(make_event("feedback"))[:-1]
    place = data.draw(st.integers(0, len(line) - 1))
    flipped = line[place] ^ data.draw(st.integers(1, 255))
    assert lines.examine(line[:place] + bytes([flipped]) + line[place + 1 :]).problem


@given(st.data())
def test_any_cut_is_noticed(data: st.DataObject) -> None:
    line = lines.encode(make_event("feedback"))[:-1]
    assert lines.examine(line[: data.draw(st.integers(0, len(line) - 1))]).problem


@given(st.binary(max_size=80))
def test_foreign_bytes_are_never_a_header(line: bytes) -> None:
    assert lines.decode_header(line) is None


def test_a_header_gives_back_what_it_was_given() -> None:
    header = lines.decode_header(lines.encode_header(schema=3, pid=7, host="h")[:-1])
    assert header is not None
    assert (header["schema"], header["pid"], header["host"]) == (3, 7, "h")
