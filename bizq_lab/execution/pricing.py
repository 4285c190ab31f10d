"""What a call cost, or could cost at worst, in integer nano-USD. Knows unit prices and bytes, no provider."""

from __future__ import annotations

from bizq_lab.core.execution import ProviderReply
from bizq_lab.core.model import Price

_OVERHEAD_TOKENS = 256  # chat template and hidden preamble, which the caller's bytes do not show


def worst_case_input_tokens(prompt: str, system: str) -> int:
    """Most tokens that a prompt can have: a token is at least one byte of UTF-8, whatever the tokenizer."""
    return len(prompt.encode("utf-8", "replace")) + len(system.encode("utf-8", "replace")) + _OVERHEAD_TOKENS


def worst_case_nano_usd(price: Price, *, prompt: str, system: str, max_tokens: int, core_seconds: float) -> int | None:
    """Most that one call can cost; None when the price is unknown.

    The bytes of the prompt bound its tokens; `max_tokens` bounds the output; the attempt's timeout times the cores
    bounds local compute.
    """
    return price.cost_nano_usd(worst_case_input_tokens(prompt, system), max_tokens, core_seconds=core_seconds)


def reply_cost_nano_usd(price: Price, reply: ProviderReply) -> int | None:
    """What an answered call cost; None when the price is unknown."""
    usage = reply.usage
    return price.cost_nano_usd(
        usage.input_tokens,
        usage.output_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        core_seconds=reply.core_seconds,
    )
