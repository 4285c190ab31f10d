"""Which provider serves which models in a lab: made on first use, so that a key is asked for only when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from bizq_lab.errors import OfflineConfig, UnknownProvider

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.protocols import OutcomeSource, Provider

LIVE = frozenset({"openai", "anthropic"})


class LazyProviders(Mapping[str, "Provider"]):
    """Providers by catalog provider name, each made when it is first asked for.

    Args:
        factories: How to make each provider.
        purpose: `offline` refuses the providers in `LIVE`, which would spend money on a study (S2).
    """

    def __init__(self, factories: Mapping[str, Callable[[], Provider]], *, purpose: str = "live") -> None:
        """Remember the factories; make nothing."""
        self._factories = dict(factories)
        self.purpose = purpose
        self._made: dict[str, Provider] = {}

    def __getitem__(self, name: str) -> Provider:
        """The provider of that name.

        Raises:
            UnknownProvider: No factory has that name.
            OfflineConfig: The catalog or config is for study, and the provider is live.
        """
        if name not in self._made:
            if name not in self._factories:
                raise UnknownProvider.among(name, self._factories)
            self._made[name] = self._factories[name]()
            if self.purpose == "offline" and self._made[name].name in LIVE:
                message = f"provider {name!r} is live, but the catalog or config is for offline study"
                raise OfflineConfig(message, hint="use the `current` catalog, or provider='replay' or 'simulated'")
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Names, made or not."""
        return iter(self._factories)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._factories)

    async def aclose(self) -> None:
        """Close what was made."""
        made, self._made = self._made, {}
        for provider in {id(provider): provider for provider in made.values()}.values():
            await provider.aclose()


def live_providers(catalog: Catalog, purpose: str) -> LazyProviders:
    """The real ones: official clients with keys from the environment, and the embedded engine."""
    from bizq_lab.execution import make_provider  # noqa: PLC0415 - pulls in asyncio machinery

    names = {entry.provider for entry in catalog.models.values()}
    return LazyProviders({name: lambda name=name: make_provider(name) for name in names}, purpose=purpose)  # type: ignore[misc]


def replay_providers(catalog: Catalog, outcomes: OutcomeSource) -> LazyProviders:
    """Recorded real outcomes stand in for every provider."""
    from bizq_lab.execution import make_provider  # noqa: PLC0415 - as above

    replay = make_provider("replay", outcomes=outcomes)
    return LazyProviders({entry.provider: lambda: replay for entry in catalog.models.values()}, purpose="offline")


def simulated_providers(catalog: Catalog, seed: int) -> LazyProviders:
    """A world with known truth stands in for every provider."""
    from bizq_lab.simulate import SimulatedProvider, World  # noqa: PLC0415 - needs numpy

    provider = SimulatedProvider(World(seed, catalog))
    return LazyProviders({entry.provider: lambda: provider for entry in catalog.models.values()}, purpose="offline")


def providers_of(wanted: Mapping[str, Provider] | str, catalog: Catalog, seed: int) -> Mapping[str, Provider]:
    """The providers a lab was asked for: `live`, `simulated`, or as they are.

    Raises:
        UnknownProvider: Another name was given.
    """
    match wanted:
        case "live":
            return live_providers(catalog, catalog.purpose)
        case "simulated":
            return simulated_providers(catalog, seed)
        case str():
            raise UnknownProvider.among(wanted, ["live", "simulated"])
    return wanted
