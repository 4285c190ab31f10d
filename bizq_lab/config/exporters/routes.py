"""What a config says in terms that every gateway has: weighted calls and an ordered fallback. Knows no target.

A gateway does not know the rules that choose for the arm `default`: there it becomes the task type's base model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bizq_lab.config.parts import ArmSpec, TaskRouting
from bizq_lab.config.shippable import refuse_retired
from bizq_lab.core.decision import DEFAULT_ARM

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.catalog.schema import ModelEntry, TaskTypeEntry
    from bizq_lab.config.schema import RoutingConfig
    from bizq_lab.core.model import Price

MAX_FALLBACKS = 2
KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "local": "BIZQ_LOCAL_API_KEY"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One model called in one way.

    Attributes:
        arm: Arm id; for a fallback, the catalog key.
        key: Catalog key.
        provider: Who serves it; `local` is an OpenAI-compatible server of one's own.
        api_model: The id that is sent.
        weight: Percent of the task type's traffic; 0 for a fallback.
        temperature: None where the API accepts none.
        max_tokens: Clamped to the model's limits.
        price: Prices in force.
    """

    arm: str
    key: str
    provider: str
    api_model: str
    weight: int
    temperature: float | None
    max_tokens: int
    price: Price

    @property
    def key_variable(self) -> str:
        """The environment variable that holds the provider's key."""
        return KEY_VARIABLES.get(self.provider, f"{self.provider.upper().replace('-', '_')}_API_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One task type.

    Attributes:
        task_type: Its name; `default` serves the types that nobody declared.
        calls: Weighted; the weights sum to 100.
        fallbacks: Tried in order when the chosen call fails.
        side_effects: It must not be repeated once an answer may have been acted upon (S22).
    """

    task_type: str
    calls: tuple[Call, ...]
    fallbacks: tuple[Call, ...]
    side_effects: bool


def routes_of(config: RoutingConfig, catalog: Catalog) -> tuple[Route, ...]:
    """Every task type of the config and the catalog, by name.

    Raises:
        RetiredModel: A base model or a fallback was switched off by its vendor.
        UnknownModel: The catalog does not have an arm's model.
    """
    return tuple(_route(config, catalog, name) for name in sorted({*catalog.task_types, *config.tasks}))


def weights_of(routing: TaskRouting | None) -> dict[str, int]:
    """Positive percent by arm; what the rules choose where nothing is weighted."""
    weights = {} if routing is None else {arm: share for arm, share in routing.weights.items() if share}
    return weights or {DEFAULT_ARM: 100}


def _route(config: RoutingConfig, catalog: Catalog, name: str) -> Route:
    entry, _ = catalog.task_type(name)
    routing = config.tasks.get(name)
    offline = config.purpose == "offline"
    calls = []
    for arm, weight in sorted(weights_of(routing).items()):
        spec = ArmSpec(model=entry.model) if arm == DEFAULT_ARM else config.arms[arm]
        refuse_retired(spec.model, catalog, offline=offline, where=f"{name!r} ({arm})")
        calls.append(_call(catalog, entry, arm, spec, weight))
    return Route(
        task_type=name,
        calls=tuple(calls),
        fallbacks=_fallbacks(catalog, entry, routing, calls),
        side_effects=entry.side_effects,
    )


def _call(catalog: Catalog, entry: TaskTypeEntry, arm: str, spec: ArmSpec, weight: int) -> Call:
    model = catalog.model_config(spec.model, entry, temperature=spec.temperature, max_tokens=spec.max_tokens)
    return Call(
        arm=arm,
        key=model.key,
        provider=model.provider,
        api_model=model.api_model,
        weight=weight,
        temperature=model.temperature if "temperature" in model.accepts else None,
        max_tokens=model.max_tokens,
        price=model.price,
    )


def _fallbacks(
    catalog: Catalog, entry: TaskTypeEntry, routing: TaskRouting | None, calls: Sequence[Call]
) -> tuple[Call, ...]:
    """The best of the hand-made ordering that is not weighted: none for what must not be repeated or leave (S22)."""
    if entry.side_effects or any(catalog.resolve(call.key).residency == "local" for call in calls):
        return ()
    allowed = set((routing.models if routing is not None else ()) or entry.models)
    weighted = {call.key for call in calls}

    def fits(model: ModelEntry) -> bool:
        named = not allowed or model.key in allowed
        return named and model.key not in weighted and not (catalog.is_retired(model.key) or model.opt_in)

    found = [model for model in map(catalog.resolve, entry.efficiency) if fits(model) and model.residency == "remote"]
    return tuple(_call(catalog, entry, m.key, ArmSpec(model=m.key), 0) for m in found[:MAX_FALLBACKS])
