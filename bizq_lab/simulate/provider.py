"""The `simulated` provider: answers as a world with known truth would. No model, no network, no waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bizq_lab.core.execution import ProviderCall, ProviderReply, Usage
from bizq_lab.errors import ProviderError
from bizq_lab.simulate.texts import failing, passing

if TYPE_CHECKING:
    from bizq_lab.simulate.world import World


class SimulatedProvider:
    """`simulated`: what the world decided for this task, model, prompt, repeat and attempt.

    Args:
        world: The truth. May be replaced while running, to let a model drift.
    """

    name = "simulated"
    live = False

    def __init__(self, world: World) -> None:
        """Remember the world."""
        self.world = world

    async def complete(self, call: ProviderCall) -> ProviderReply:
        """The answer, or the error, that the world drew; times are stated, not waited for.

        Raises:
            ProviderError: The world drew an error, or an answer later than `call.timeout_s`.
        """
        world, config = self.world, call.config
        drawn = world.draw(
            call.task_type,
            call.task_key,
            config.key,
            prompt=config.prompt,
            repeat=call.repeat,
            attempt=call.ordinal - 1,
        )
        late = call.timeout_s is not None and drawn.response_time_s > call.timeout_s
        if drawn.error_class or late:
            name = drawn.error_class or "timeout_read"
            spent = min(drawn.response_time_s, call.timeout_s) if call.timeout_s is not None else drawn.response_time_s
            raise ProviderError(f"simulated {name} of {config.key}", error_class=name, response_time_s=spent)
        entry, _ = world.catalog.task_type(call.task_type)
        return ProviderReply(
            text=passing(call.task) if drawn.succeeded else failing(entry, call.task),
            finish_reason="stop",
            served_model=world.served_model(call.task_type, config.key),
            usage=Usage(drawn.input_tokens, min(drawn.output_tokens, config.max_tokens)),
            response_time_s=drawn.response_time_s,
            request_id=f"simulated-{call.task_key}-{call.repeat}-{call.ordinal}",
            first_token_s=drawn.first_token_s if call.stream else None,
            core_seconds=world.core_seconds(config.key, drawn.response_time_s),
            sent={**config.sampling},
        )

    async def aclose(self) -> None:
        """Nothing to release."""
