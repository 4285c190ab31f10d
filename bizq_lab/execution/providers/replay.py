"""Recorded real outcomes as a provider. Knows no file: an OutcomeSource is given. Never waits: times are recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.core.execution import ProviderCall, ProviderReply, Usage
from bizq_lab.errors import ProviderError

if TYPE_CHECKING:
    from bizq_lab.core.protocols import OutcomeSource


class ReplayProvider:
    """`replay`: what really happened when this arm met this task.

    Args:
        outcomes: Recorded outcomes by (task type, task key, arm, repeat).
    """

    name = "replay"
    live = False

    def __init__(self, *, outcomes: OutcomeSource) -> None:
        """Remember the record."""
        self._outcomes = outcomes

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """The recorded answer, or the recorded failure.

        Raises:
            ProviderError: `not_recorded` when the record holds no such outcome; else the recorded error class.
        """
        key = call.config.key
        found = self._outcomes.lookup(
            task_type=call.task_type, task_key=call.task_key, arm=call.arm, model=key, repeat=call.repeat
        )
        if found is None:
            message = (
                f"no recorded outcome of task {call.task_key!r} ({call.task_type}) for arm {call.arm!r}, model {key}"
            )
            hint = "replay only what was recorded, or record it first: bizq-lab record"
            raise ProviderError(message, error_class="not_recorded", hint=hint)
        if found.error_class:
            message = f"recorded failure of {key}: {found.error_class}"
            raise ProviderError(
                message,
                error_class=found.error_class,
                partial_text=found.text,
                response_time_s=found.response_time_s,
            )
        return ProviderReply(
            text=found.text,
            finish_reason=found.finish_reason,
            served_model=found.served_model,
            usage=Usage(found.input_tokens, found.output_tokens),
            response_time_s=found.response_time_s,
            first_token_s=found.first_token_s,
            core_seconds=found.core_seconds,
            sent={**call.config.sampling},
        )

    async def aclose(self) -> None:
        """Nothing to release."""
