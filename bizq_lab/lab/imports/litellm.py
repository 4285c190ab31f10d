"""LiteLLM's spend logs (the table `LiteLLM_SpendLogs`, or its JSON from the proxy), read as calls.

Read are `request_id`, `model`, `custom_llm_provider`, `team_id` (else `end_user`, `user`) as workspace, `startTime`,
`endTime`, `completionStartTime`, `prompt_tokens`, `completion_tokens`, `spend`, `status`, `cache_hit`, `messages`,
`response`, and of `metadata` the status and the error. A key, its hash, its alias or an address is never looked at.
"""

from __future__ import annotations

from typing import Any

from bizq_lab.lab.imports.call import ImportedCall
from bizq_lab.lab.imports.failures import error_class
from bizq_lab.lab.imports.fields import Fields, RefusedRow

_ERROR = "metadata.error_information"
_CACHED_TOKENS = (
    "metadata.additional_usage_values.cache_read_input_tokens",
    "metadata.usage_object.prompt_tokens_details.cached_tokens",
)
_ENDED_WELL, _ENDED_BADLY = {"", "success", "succeeded"}, {"failure", "failed", "error"}


def litellm_call(row: Fields, task_type: str) -> ImportedCall:
    """The call of one row.

    Raises:
        RefusedRow: A field is missing or out of its domain.
    """
    model = row.text("model")
    if not model:
        raise RefusedRow("model is missing", row.text("request_id"))
    started, ended = row.instant_us("startTime"), row.instant_us("endTime")
    if started is None or ended is None:
        raise RefusedRow("startTime or endTime is missing")
    if ended < started:
        raise RefusedRow("endTime lies before startTime", f"{row.raw('startTime')} to {row.raw('endTime')}")
    request_id, cached = row.text("request_id"), row.is_true("cache_hit")
    return ImportedCall(
        source_id=request_id or row.fingerprint(),
        identified=bool(request_id),
        task_type=task_type,
        model=model,
        provider=row.text("custom_llm_provider"),
        workspace_id=row.text("team_id", "end_user", "user") or "imported",
        started_at_us=started,
        response_time_us=ended - started,
        time_to_first_chunk_us=_first_chunk_us(row, started, ended),
        response_id=request_id,
        input_tokens=row.count("prompt_tokens"),
        output_tokens=row.count("completion_tokens"),
        cache_read_input_tokens=row.count(*_CACHED_TOKENS) or 0,
        cost_nano_usd=row.nano_usd("spend"),
        cached=cached,
        prompt=row.payload("messages") or None,
        output=answer_text(row.payload("response")),
        **_failure(row),
    )


def answer_text(response: Any) -> str | None:
    """The text of a chat completion, or the response as it is where it is text."""
    if isinstance(response, str):
        return response
    try:
        content = response["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return None
    return content if isinstance(content, str) else None


def _first_chunk_us(row: Fields, started: int, ended: int) -> int | None:
    """LiteLLM repeats the end as the first chunk of a call that did not stream: then nobody knows it."""
    first = row.instant_us("completionStartTime")
    return first - started if first is not None and started <= first < ended else None


def _failure(row: Fields) -> dict[str, Any]:
    status = row.text("status", "metadata.status").casefold()
    if status not in _ENDED_WELL | _ENDED_BADLY:
        raise RefusedRow("status is neither success nor failure", status)
    if status in _ENDED_WELL:
        return {}
    code = row.text(f"{_ERROR}.error_code")
    http = int(code) if code.isascii() and code.isdigit() and len(code) == 3 else None  # noqa: PLR2004 - HTTP's
    message = row.raw(f"{_ERROR}.error_message")
    return {
        "error_type": error_class(row.text(f"{_ERROR}.error_class"), http),
        "error_message": "" if message is None else str(message),
        "http_status": http,
    }
