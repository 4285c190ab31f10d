"""Text without secrets, short enough to store. Knows only what secrets look like."""

from __future__ import annotations

import re

MAX_MESSAGE_CHARS = 500
REDACTED = "[redacted]"

# Order matters: URL forms first, so that a key inside a URL cannot leave half of itself behind.
_SECRETS = (
    re.compile(r"https?://hooks\.[^\s\"'<>]+", re.IGNORECASE),  # chat webhooks are bearer secrets in a path
    re.compile(r"(?<=://)[^/\s:@\"']*:[^/\s@\"']*(?=@)"),  # https://user:password@host
    re.compile(r"(?<=://)[^/\s:@\"']+(?=@)"),  # https://token@host
    re.compile(r"\b(?:Bearer|Basic)\s+[^\s\"',;]+", re.IGNORECASE),
    re.compile(r"\bsk-[A-Za-z0-9_*.\-]{4,}"),  # sk-, sk-proj-, sk-ant-; vendors mask keys with asterisks
    re.compile(
        r"(?i)\b(?:x-api-key|api[-_ ]?key|authorization|token|secret|password)[\"']?\s*[:=]\s*[\"']?[^\s\"',;}]+"
    ),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),  # JSON web tokens
    re.compile(r"\bAKIA[0-9A-Z]{12,}"),
)


def redact(text: object, *, limit: int = MAX_MESSAGE_CHARS) -> str:
    """One line of text, secrets replaced, at most `limit` characters.

    Redaction happens before shortening, so that a cut cannot hide a key from its pattern.
    """
    cleaned = str(text)
    for pattern in _SECRETS:
        cleaned = pattern.sub(REDACTED, cleaned)
    cleaned = " ".join(cleaned.split())
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"
