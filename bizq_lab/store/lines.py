r"""The line format of the journal: one event, one line, one checksum. Knows neither files nor DuckDB.

    {"crc":"1a2b3c4d","kind":"attempt","event_id":"evt_…","recorded_at_us":…,…}\n

Every line is a JSON object in UTF-8. `crc` is the CRC-32 (zlib, eight lower-case hex digits) of all bytes after the
comma that follows it, up to but without the newline. JSON escapes control characters, so a newline always ends a line.
A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD, as in the web's scalar value strings; NUL stays.
The first line of a segment is its header, with kind `segment` and the schema version of its writer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple
from zlib import crc32

from pydantic_core import PydanticSerializationError, SchemaSerializer, core_schema

from bizq_lab.core.events import EVENTS, Event
from bizq_lab.errors import JournalWriteError
from bizq_lab.store.columns import field_names

HEADER_KIND = "segment"
_CRC_AT, _CRC_END, _BODY_AT, _KIND_AT = 8, 16, 18, 26
_START, _BODY_START = b'{"crc":"', b'","kind":"'
_KINDS = {kind.encode(): kind for kind in (*EVENTS, HEADER_KIND)}
_HEADS = {kind: b'"kind":"%b",' % name for name, kind in _KINDS.items()}

# No circularity check: events are trees, and the recursion limit catches the rest.
_strict = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode


class Line(NamedTuple):
    """What a line turned out to be: a known kind, or the reason why it is none."""

    kind: str
    problem: str = ""


def encode(event: Event) -> bytes:
    """One event as a line, newline included.

    Raises:
        JournalWriteError: A field cannot be written as JSON: NaN, infinity, or an object of some other kind.
    """
    try:
        document = _WRITERS[event.kind].to_json(event)
    except PydanticSerializationError:
        return _line(event.kind, _judged(event))
    # The words may also stand in a text: then the strict encoder agrees, and nothing is lost but its time.
    doubtful = b"NaN" in document or b"Infinity" in document
    return _line(event.kind, _judged(event) if doubtful else document)


def encode_header(**fields: str | int) -> bytes:
    """The first line of a segment."""
    return _line(HEADER_KIND, _utf8(_strict(fields)))


def examine(line: bytes) -> Line:
    """Check a line without its newline: shape, checksum, kind."""
    if line[:_CRC_AT] != _START or line[_CRC_END:_KIND_AT] != _BODY_START:
        return Line("", "not a journal line")
    if b"%08x" % crc32(line[_BODY_AT:]) != line[_CRC_AT:_CRC_END]:
        return Line("", "checksum does not match")
    name = line[_KIND_AT : line.find(b'"', _KIND_AT)]
    kind = _KINDS.get(name)
    return Line(kind) if kind else Line("", f"unknown kind {name.decode(errors='replace')!r}")


def kinds(found: Iterable[bytes]) -> list[str | None]:
    """The kind of each line, as `examine` finds it, or None for one with a problem; for lines by the million."""
    body, head, kind_of = slice(_BODY_AT, None), _START + b"%08x" + _BODY_START, _KINDS.get
    return [
        kind_of(line[_KIND_AT : line.find(b'"', _KIND_AT)]) if line.startswith(head % crc32(line[body])) else None
        for line in found
    ]


def decode_header(line: bytes) -> dict[str, Any] | None:
    """The header's fields, or None when the line is no sound header."""
    if examine(line).kind != HEADER_KIND:
        return None
    header: dict[str, Any] = json.loads(line)
    return header


def recorded_at_us_of(line: bytes) -> int | None:
    """When the event of a line was recorded; None when the line is no sound event."""
    if examine(line).kind not in EVENTS:
        return None
    recorded_at_us = json.loads(line)["recorded_at_us"]
    return recorded_at_us if isinstance(recorded_at_us, int) else None


def _line(kind: str, document: bytes) -> bytes:
    head, body = _HEADS[kind], document[1:]
    return b'{"crc":"%08x",%b%b\n' % (crc32(body, crc32(head)), head, body)


def _judged(event: Event) -> bytes:
    """An event by the standard library, which writes what pydantic refuses (lone surrogates), and only what is JSON."""
    try:
        return _utf8(_strict({name: getattr(event, name) for name in field_names(type(event))}))
    except (TypeError, ValueError, RecursionError) as error:
        message = f"{event.kind} event cannot be written as JSON: {error}"
        raise JournalWriteError(message, hint="fields hold text, numbers that are finite, lists and dicts") from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # UTF-16 joins surrogates that belong together and replaces those that do not.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _writer_of(event: type[Event]) -> SchemaSerializer:
    """Writes an event's fields in their order, by pydantic's serializer: a quarter of the standard library's time."""
    names = field_names(event)
    fields = core_schema.dataclass_args_schema(
        event.__name__, [core_schema.dataclass_field(name, core_schema.any_schema()) for name in names]
    )
    schema = core_schema.dataclass_schema(event, fields, list(names), slots=True)
    return SchemaSerializer(schema, core_schema.CoreConfig(ser_json_inf_nan="constants"))


_WRITERS = {kind: _writer_of(event) for kind, event in EVENTS.items()}
