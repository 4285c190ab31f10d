"""Any other log, read by a mapping that says which column is what.

The mapping is a TOML or JSON file:

    source = "acme-gateway"           # whose row ids these are; two sources may number their rows alike
    task_type = "support.reply"       # where no column says it
    failed = ["ERR", "timeout"]       # words of the column `status` that mean failure; any other means success

    [columns]                         # field = column; a dot reaches into JSON, as in "usage.input"
    id = "call_id"
    model = "model_name"              # required
    started_at = "ts"                 # required: ISO, or a number of s, ms, µs or ns since the epoch; UTC without zone
    response_time_ms = "latency"      # required: this, `response_time_s`, or `ended_at`
    cost_usd = "price"

The other columns are `provider`, `workspace_id`, `task_type`, `task_key`, `arm`, `status`, `error_type`,
`error_message`, `http_status`, `time_to_first_chunk_s`, `time_to_first_chunk_ms`, `input_tokens`, `output_tokens`,
`cache_read_input_tokens`, `finish_reason`, `response_id`, `temperature`, `quality` (0 to 1), `input` and `output`.
Columns that nothing names are not imported. Without `id` a row is known by all it says, so that equal rows count once.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bizq_lab.errors import InputError

LARGEST_BYTES = 1_000_000
Column = Annotated[str, Field(max_length=500)]


class Columns(BaseModel):
    """Which column is what; empty: the file has no such column."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Field(min_length=1, max_length=500)]
    started_at: Annotated[str, Field(min_length=1, max_length=500)]
    id: Column = ""
    ended_at: Column = ""
    response_time_s: Column = ""
    response_time_ms: Column = ""
    time_to_first_chunk_s: Column = ""
    time_to_first_chunk_ms: Column = ""
    provider: Column = ""
    workspace_id: Column = ""
    task_type: Column = ""
    task_key: Column = ""
    arm: Column = ""
    status: Column = ""
    error_type: Column = ""
    error_message: Column = ""
    http_status: Column = ""
    input_tokens: Column = ""
    output_tokens: Column = ""
    cache_read_input_tokens: Column = ""
    cost_usd: Column = ""
    finish_reason: Column = ""
    response_id: Column = ""
    temperature: Column = ""
    quality: Column = ""
    input: Column = ""
    output: Column = ""


class Mapping(BaseModel):
    """A whole mapping; see the module."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: Columns
    source: Column = ""
    task_type: Column = ""
    failed: tuple[str, ...] = ("failure", "failed", "error")


def load_mapping(path: str | Path) -> Mapping:
    """Read and check a mapping.

    Raises:
        InputError: There is no such file, it is neither TOML nor JSON, or it maps what nobody knows.
    """
    file = Path(path)
    hint = "bizq-lab import --help shows one"
    try:
        data = file.read_bytes()[:LARGEST_BYTES]
    except OSError as error:
        message = f"mapping {str(path)!r}: {error.strerror or error}"
        raise InputError(message, hint=hint) from None
    try:
        text = data.decode("utf-8-sig")
        document = json.loads(text) if file.suffix.lower() == ".json" else tomllib.loads(text)
        mapping = Mapping.model_validate(document)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False))
        message = f"mapping {str(path)!r}: {said}"
        raise InputError(message, hint=hint) from None
    except (ValueError, RecursionError) as error:
        message = f"mapping {str(path)!r}: {error}"
        raise InputError(message, hint=hint) from None
    columns = mapping.columns
    if not (columns.ended_at or columns.response_time_s or columns.response_time_ms):
        message = f"mapping {str(path)!r}: names none of ended_at, response_time_s, response_time_ms"
        raise InputError(message, hint=hint)
    return mapping
