"""A row of any log, read as a call by a mapping. Knows no gateway; `mapping` says what a mapping is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bizq_lab.core.ids import digest
from bizq_lab.lab.imports.call import ImportedCall
from bizq_lab.lab.imports.failures import error_class
from bizq_lab.lab.imports.fields import Fields, RefusedRow

if TYPE_CHECKING:
    from bizq_lab.lab.imports.mapping import Mapping

_US_PER_MS, _US_PER_S = 1_000, 1_000_000
_PPM = 1_000_000
_LONGEST_PAYLOAD = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Generic:
    """Reads rows by a mapping."""

    mapping: Mapping

    def __call__(self, row: Fields, task_type: str) -> ImportedCall:
        """The call of one row.

        Raises:
            RefusedRow: A field is missing or out of its domain.
        """
        c, one = self.mapping.columns, _Reader(row)
        model, started = one.text(c.model), row.instant_us(c.started_at)
        if not model or started is None:
            raise RefusedRow(f"{c.started_at if model else c.model} is missing")
        source_id = one.text(c.id)
        temperature = row.number(c.temperature, least=0, most=100) if c.temperature else None
        quality = row.number(c.quality, least=0, most=1) if c.quality else None
        return ImportedCall(
            source_id=digest(self.mapping.source, source_id or row.fingerprint()),
            identified=bool(source_id),
            task_type=one.text(c.task_type) or task_type or self.mapping.task_type,
            model=model,
            provider=one.text(c.provider),
            workspace_id=one.text(c.workspace_id) or "imported",
            arm=one.text(c.arm),
            task_key=one.text(c.task_key),
            started_at_us=started,
            response_time_us=self._response_time_us(row, started),
            time_to_first_chunk_us=one.duration_us(c.time_to_first_chunk_s, c.time_to_first_chunk_ms),
            response_id=one.text(c.response_id),
            finish_reason=one.text(c.finish_reason),
            input_tokens=one.count(c.input_tokens),
            output_tokens=one.count(c.output_tokens),
            cache_read_input_tokens=one.count(c.cache_read_input_tokens) or 0,
            cost_nano_usd=row.nano_usd(c.cost_usd) if c.cost_usd else None,
            quality_ppm=None if quality is None else round(quality * _PPM),
            temperature=None if temperature is None else float(temperature),
            prompt=row.payload(c.input) if c.input else None,
            output=_said(row, c.output) if c.output else None,
            **self._failure(one),
        )

    def _response_time_us(self, row: Fields, started: int) -> int:
        c = self.mapping.columns
        stated = _Reader(row).duration_us(c.response_time_s, c.response_time_ms)
        if stated is not None:
            return stated
        ended = row.instant_us(c.ended_at) if c.ended_at else None
        if ended is None:
            raise RefusedRow("neither a response time nor an end")
        if ended < started:
            raise RefusedRow(f"{c.ended_at} lies before {c.started_at}", row.raw(c.ended_at))
        return ended - started

    def _failure(self, one: _Reader) -> dict[str, Any]:
        c = self.mapping.columns
        status, error = one.text(c.status).casefold(), one.text(c.error_type)
        if not error and status not in {word.casefold() for word in self.mapping.failed}:
            return {}
        http = one.count(c.http_status)
        said = one.row.raw(c.error_message) if c.error_message else None
        return {
            "error_type": error_class(error or status, http),
            "error_message": "" if said is None else str(said),
            "http_status": http,
        }


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads a column that the mapping may not name."""

    row: Fields

    def text(self, column: str) -> str:
        return self.row.text(column) if column else ""

    def count(self, column: str) -> int | None:
        return self.row.count(column) if column else None

    def duration_us(self, in_s: str, in_ms: str) -> int | None:
        if in_s and (found := self.row.duration_us(in_s, us_per_unit=_US_PER_S)) is not None:
            return found
        return self.row.duration_us(in_ms, us_per_unit=_US_PER_MS) if in_ms else None


def _said(row: Fields, column: str) -> str | None:
    value = row.raw(column)
    if isinstance(value, (dict, list)):
        return json.dumps(row.payload(column), ensure_ascii=False)
    return None if value is None else row.text(column, longest=_LONGEST_PAYLOAD)
