"""An answer while it arrives, and what becomes of it. Knows neither SDK: both wires fill the same draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bizq_lab.core.execution import Parameters, ProviderCall, ProviderReply, Usage
from bizq_lab.errors import ProviderError
from bizq_lab.execution.redact import redact

BYTES_PER_TOKEN = 4  # of English text; only where a provider reports no usable count
_SLACK_TOKENS = 10_000  # templates, tools and thinking that the caller did not write


@dataclass(slots=True)
class Draft:
    """What has arrived of one answer.

    Attributes:
        parts: Text so far, in order.
        finish_reason: In our words; empty until the answer is complete.
        served_model: The id the provider says it served.
        request_id: The provider's id of the call.
        first_token_s: Seconds to the first text.
        counts: Raw token counts by our names; judged only in `usage`.
        core_seconds: Local compute, where the server measures it.
    """

    parts: list[str] = field(default_factory=list)
    finish_reason: str = ""
    served_model: str = ""
    request_id: str = ""
    first_token_s: float | None = None
    counts: dict[str, object] = field(default_factory=dict)
    core_seconds: float | None = None

    @property
    def text(self) -> str:
        """Everything that arrived."""
        return "".join(self.parts)

    def add(self, text: object, elapsed_s: float | None = None) -> None:
        """Take one piece of text; `elapsed_s` since the call was sent, when streaming."""
        if not isinstance(text, str) or not text:
            return
        if self.first_token_s is None:
            self.first_token_s = elapsed_s
        self.parts.append(text)

    def reply(self, call: ProviderCall, *, elapsed_s: float, sent: Parameters) -> ProviderReply:
        """The finished answer.

        Raises:
            ProviderError: `reset`, when the stream ended before the answer did.
        """
        if not self.finish_reason:
            message = "the answer ended before it was complete"
            raise ProviderError(
                message, error_class="reset", request_id=self.request_id or None, partial_text=self.text
            )
        return ProviderReply(
            text=self.text,
            finish_reason=self.finish_reason,
            served_model=self.served_model,
            usage=usage_of(self.counts, call, self.text),
            response_time_s=elapsed_s,
            request_id=self.request_id,
            first_token_s=self.first_token_s if call.stream else None,
            core_seconds=self.core_seconds or 0.0,
            sent=dict(sent),
        )


def usage_of(counts: Mapping[str, object], call: ProviderCall, text: str) -> Usage:
    """Token counts, believed only when they are possible; estimated from bytes otherwise, and flagged so."""
    prompt_bytes = len((call.system + call.prompt).encode("utf-8", "replace"))
    believed_input = _count(counts.get("input"), prompt_bytes + _SLACK_TOKENS)
    believed_output = _count(counts.get("output"), 2 * call.config.max_tokens + _SLACK_TOKENS)
    if believed_input is None or believed_output is None:
        output_bytes = len(text.encode("utf-8", "replace"))
        return Usage(-(-prompt_bytes // BYTES_PER_TOKEN), -(-output_bytes // BYTES_PER_TOKEN), estimated=True)
    cached = _count(counts.get("cached"), believed_input) or 0
    reasoning = _count(counts.get("reasoning"), believed_output) or 0
    return Usage(believed_input, believed_output, cached, reasoning)


def malformed(what: str, seen: object = "", *, request_id: str = "") -> ProviderError:
    """The error for an answer that is not what the API promises."""
    shown = f": {redact(seen, limit=120)}" if seen else ""
    return ProviderError(f"{what}{shown}", error_class="malformed", request_id=request_id or None)


def text_or_empty(value: object) -> str:
    """A string as it is, anything else as empty: ids from the wire are not trusted to be strings."""
    return value if isinstance(value, str) else ""


def _count(value: object, most: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= most else None
