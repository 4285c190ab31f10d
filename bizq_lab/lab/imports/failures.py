"""What another system calls a failure, as a class of the error table. Knows names and HTTP codes only."""

from __future__ import annotations

from typing import Final

from bizq_lab.execution.error_table import ERROR_TABLE

_OF_STATUS: Final = {
    400: "bad_request", 401: "auth", 402: "quota_exhausted", 403: "auth", 404: "model_not_found", 408: "timeout_read",
    413: "context_length", 422: "bad_request", 429: "rate_limit", 500: "server_error", 502: "server_error",
    503: "overloaded", 504: "gateway_timeout", 529: "overloaded",
}  # fmt: skip
# Exceptions of LiteLLM and of the vendors' clients, and what OpenTelemetry instrumentations write.
_OF_NAME: Final = {
    "ratelimiterror": "rate_limit", "timeout": "timeout_read", "apitimeouterror": "timeout_read",
    "timeouterror": "timeout_read", "readtimeout": "timeout_read", "connecttimeout": "timeout_connect",
    "apiconnectionerror": "reset", "authenticationerror": "auth", "permissiondeniederror": "auth",
    "notfounderror": "model_not_found", "badrequesterror": "bad_request", "invalidrequesterror": "bad_request",
    "unprocessableentityerror": "bad_request", "contextwindowexceedederror": "context_length",
    "contentpolicyviolationerror": "content_filter", "budgetexceedederror": "budget",
    "serviceunavailableerror": "overloaded", "overloadederror": "overloaded", "internalservererror": "server_error",
    "badgatewayerror": "server_error", "apiresponsevalidationerror": "malformed", "cancellederror": "cancelled",
}  # fmt: skip
_SERVER_ERRORS = range(500, 600)


def error_class(name: str, status: int | None = None) -> str:
    """The class of a failure: by its own name, else by the HTTP status, else `unexpected`.

    Args:
        name: A class of the error table, an exception such as `openai.RateLimitError`, or a status such as `429`.
        status: HTTP status, if the file has one.
    """
    short = name.strip().rpartition(".")[2].casefold()
    if short in ERROR_TABLE:
        return short
    if short in _OF_NAME:
        return _OF_NAME[short]
    code = int(short) if short.isascii() and short.isdigit() and len(short) == 3 else status  # noqa: PLR2004 - HTTP's
    if code is None:
        return "unexpected"
    return _OF_STATUS.get(code, "server_error" if code in _SERVER_ERRORS else "unexpected")
