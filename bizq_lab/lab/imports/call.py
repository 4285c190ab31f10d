"""A call that another gateway made, as every format reads it: checked, and not yet of this log. Holds; does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCall:
    """One call of another gateway, checked. Times in UTC microseconds, tokens None where the file has none.

    `source_id` is the row's id in its own system, `identified` whether it is one or the hash of the row.
    """

    source_id: str
    identified: bool
    task_type: str
    model: str
    provider: str
    workspace_id: str
    started_at_us: int
    response_time_us: int
    time_to_first_chunk_us: int | None = None
    task_key: str = ""
    arm: str = ""
    error_type: str = ""
    error_message: str = ""
    http_status: int | None = None
    request_model: str = ""
    response_model: str = ""
    response_id: str = ""
    finish_reason: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int = 0
    reasoning_output_tokens: int = 0
    cost_nano_usd: int | None = None
    quality_ppm: int | None = None
    temperature: float | None = None
    cached: bool = False
    prompt: Any = None
    output: str | None = None
