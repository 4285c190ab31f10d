"""What must hold before a model may be called at all. Knows providers by name and the catalog, sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.errors import BizqLabError, OfflineConfig, RetiredModel, UnknownProvider

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.core.model import ModelConfig
    from bizq_lab.core.protocols import Provider


class Skipped(NamedTuple):
    """A model that was not called: the class of the reason, and the error where the installation is at fault."""

    error_class: str
    message: str
    error: BizqLabError | None = None


def provider_for(config: ModelConfig, providers: Mapping[str, Provider], catalog: Catalog) -> Provider | Skipped:
    """The provider that serves a config, or why it must not be called (S2).

    A live provider refuses a catalog for study and a model that its vendor switched off, and names the replacement.
    """
    try:
        provider = providers[config.provider]
    except KeyError:
        unknown = UnknownProvider.among(config.provider, providers)
        return Skipped("missing_key", unknown.message, unknown)
    if not getattr(provider, "live", False):
        return provider
    if catalog.purpose == "offline":
        message = f"catalog {catalog.name!r} is for offline study; {config.key} must not be called"
        offline = OfflineConfig(message, hint="use the `current` catalog, or the replay or simulated provider")
        return Skipped("model_not_found", message, offline)
    if catalog.is_retired(config.key):
        after = catalog.resolve(config.key).replaced_by
        message = f"{config.key} was retired by its vendor"
        retired = RetiredModel(message, hint=f"use {after}" if after else "choose another model")
        return Skipped("model_not_found", message, retired)
    return provider
