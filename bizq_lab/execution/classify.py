"""From any SDK exception, status or body to exactly one error class (S19). Knows no SDK: it reads what they carry.

Both SDKs derive dozens of classes and leak those of the transport below them, so the class of an exception says
little. What says enough is the HTTP status, the body's own codes, and the first telling cause underneath.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

from bizq_lab.errors import EngineMissing, MissingKey, ProviderError
from bizq_lab.execution.redact import redact
from bizq_lab.execution.retry_after import retry_after_s

# What vendors write, in their order of telling: the same status means different things with different words.
_MARKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "quota_exhausted",
        (
            "insufficient_quota",
            "credit_balance_exhausted",
            "credit balance is too low",
            "spend_limit",
            "usage_limit_exceeded",
            "reached your specified api usage limits",
            "billing_error",
            "billing_not_active",
            "exceeded your current quota",
        ),
    ),
    (
        "context_length",
        (
            "context_length_exceeded",
            "context size",
            "context window",
            "maximum context length",
            "prompt is too long",
            "request_too_large",
            "string_above_max_length",
        ),
    ),
    ("content_filter", ("content_filter", "content_policy", "invalid_prompt", "usage policy", "safety system")),
    ("model_not_found", ("model_not_found", "does not exist or you do not have access")),
)

_BY_STATUS = {
    401: "auth", 402: "quota_exhausted", 403: "auth", 404: "model_not_found", 408: "timeout_read", 409: "server_error",
    410: "model_not_found", 413: "context_length", 425: "server_error", 429: "rate_limit", 499: "reset",
    503: "overloaded", 504: "gateway_timeout", 524: "gateway_timeout", 529: "overloaded",
}  # fmt: skip
_BY_CODE = {
    "overloaded_error": "overloaded", "rate_limit_error": "rate_limit", "rate_limit_exceeded": "rate_limit",
    "authentication_error": "auth", "permission_error": "auth", "invalid_api_key": "auth",
    "not_found_error": "model_not_found", "timeout_error": "gateway_timeout",
    "invalid_request_error": "bad_request", "api_error": "server_error", "server_error": "server_error",
    "request_too_large": "context_length",
}  # fmt: skip
# Third-party transports by class name: the SDKs may sit on httpx2 or aiohttp, and neither is imported here.
_BY_NAME = {
    "ConnectTimeout": "timeout_connect", "PoolTimeout": "timeout_connect", "ConnectionTimeoutError": "timeout_connect",
    "ClientConnectorDNSError": "dns", "ClientConnectorCertificateError": "tls", "ClientConnectorSSLError": "tls",
    "ClientSSLError": "tls", "ReadTimeout": "timeout_read", "WriteTimeout": "timeout_read",
    "ServerTimeoutError": "timeout_read", "SocketTimeoutError": "timeout_read", "RemoteProtocolError": "reset",
    "ReadError": "reset", "WriteError": "reset", "CloseError": "reset", "ClientPayloadError": "reset",
    "ServerDisconnectedError": "reset", "ClientOSError": "reset", "DecodingError": "malformed",
    "ClientConnectorError": "refused", "ConnectError": "refused", "ClientResponseError": "malformed",
    "UnsupportedProtocol": "bad_request", "InvalidURL": "bad_request", "APIResponseValidationError": "malformed",
    "APITimeoutError": "timeout_read", "APIConnectionError": "reset",
}  # fmt: skip
_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLError, "tls"),
    (socket.gaierror, "dns"),
    (ConnectionRefusedError, "refused"),
    (ConnectionError, "reset"),
    (TimeoutError, "timeout_read"),
    (json.JSONDecodeError, "malformed"),
    (UnicodeDecodeError, "malformed"),
)
# The most telling cause wins, wherever it stands in the chain: "refused" inside a generic connection error.
_BROKE_OFF = frozenset({"server_error", "overloaded", "gateway_timeout"})
_SPECIFIC = ("tls", "dns", "refused", "timeout_connect", "timeout_read", "malformed", "bad_request", "reset")


def classify(error: BaseException, *, now_s: float = 0.0, partial_text: str = "") -> ProviderError:
    """The one `ProviderError` that stands for an exception; never keeps the exception itself.

    Args:
        error: Whatever a client raised.
        now_s: Seconds since the epoch, to read dates in `Retry-After`.
        partial_text: Text that had already arrived.
    """
    if isinstance(error, ProviderError):
        return error
    status = _status(error)
    body = getattr(error, "body", None)
    headers = getattr(getattr(error, "response", None), "headers", None)
    if isinstance(error, MissingKey | EngineMissing):
        name = "missing_key" if isinstance(error, MissingKey) else "engine_missing"
        return ProviderError(error.message, error_class=name, hint=error.hint)
    has_answer = status is not None or (body is not None and _code(body))
    if has_answer:
        error_class, said = classify_response(status, body, str(error)), _message(body)
    else:
        error_class, said = _from_causes(error)
    if partial_text and error_class in _BROKE_OFF:
        error_class = "reset"  # it had begun to answer, so it may be billed: not the failure of a fresh request
    return ProviderError(
        redact(said or str(error) or type(error).__name__),
        error_class=error_class,
        status=status,
        code=redact(_code(body), limit=80) or None,
        request_id=redact(getattr(error, "request_id", None) or "", limit=120) or None,
        retry_after_s=retry_after_s(headers, now_s=now_s) if isinstance(headers, Mapping) else None,
        partial_text=partial_text,
    )


def classify_response(status: int | None, body: object, text: str = "") -> str:
    """The class of an error answer. Total: any status with any body has exactly one class.

    Args:
        status: HTTP status; None for an error event inside a stream.
        body: The decoded body, or anything.
        text: The exception's own text, read where the body is unreadable.
    """
    said = f"{_flat(body)} {text}".lower()[:20_000]
    client_error = status is None or 400 <= status < 500  # noqa: PLR2004 - the HTTP range
    if client_error and status not in {401, 403, 404, 408}:
        for error_class, marks in _MARKS:
            if any(mark in said for mark in marks):
                return error_class
    if status is None:
        return next((_BY_CODE[code] for code in _codes(body) if code in _BY_CODE), "server_error")
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return "bad_request" if client_error else "server_error" if status >= 500 else "malformed"  # noqa: PLR2004 - as above


def _from_causes(error: BaseException) -> tuple[str, str]:
    """The most telling cause: its class, and its own words, which say more than the SDK's "Connection error."."""
    found: dict[str, str] = {}
    for cause in _causes(error):
        found.setdefault(_own_class(cause) or "unexpected", str(cause))
    error_class = next((label for label in _SPECIFIC if label in found), "unexpected")
    return error_class, found.get(error_class, "")


def _own_class(error: BaseException) -> str | None:
    for kind, label in _BY_TYPE:
        if isinstance(error, kind):
            return label
    names = [base.__name__ for base in type(error).__mro__]
    return next((_BY_NAME[name] for name in names if name in _BY_NAME), None)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        wrapped = getattr(error, "os_error", None)
        if isinstance(wrapped, BaseException):
            yield wrapped
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    # An error event inside a stream carries the 200 of the stream it broke; that status says nothing.
    return status if isinstance(status, int) and not 200 <= status < 300 else None  # noqa: PLR2004 - the HTTP range


def _codes(body: object) -> list[str]:
    inner = _inner(body)
    return [str(inner[key]).lower() for key in ("code", "type") if inner.get(key)]


def _code(body: object) -> str:
    return next(iter(_codes(body)), "")


def _message(body: object) -> str:
    message = _inner(body).get("message")
    return message if isinstance(message, str) else ""


def _inner(body: object) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error")
    return inner if isinstance(inner, Mapping) else body


def _flat(body: object) -> str:
    if isinstance(body, str | bytes):
        return str(body)
    try:
        return json.dumps(body, default=str)
    except (ValueError, RecursionError, TypeError):
        return ""
