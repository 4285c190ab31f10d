"""What must not leave the lab: configs for study, expired ones, models that vendors switched off (S2, S31)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from bizq_lab.errors import InvalidRoutingConfig, OfflineConfig, RetiredModel

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.config.schema import RoutingConfig


def refuse_unshippable(
    config: RoutingConfig,
    catalog: Catalog,
    *,
    today: date,
    arms: Iterable[str] | None = None,
    offline_too: bool = False,
) -> None:
    """Raise unless production may run this.

    Args:
        config: What would be shipped.
        catalog: Says which models are retired.
        today: For the expiry.
        arms: Look at the models of these arms alone; None means every arm that has a share.
        offline_too: A config for study is fine, and so are its retired models.

    Raises:
        OfflineConfig: It is for replay, simulation or study.
        InvalidRoutingConfig: It has expired, or one of `arms` is not in it.
        RetiredModel: A model was switched off by its vendor; names the replacement.
        UnknownModel: The catalog does not have a model.
    """
    if config.purpose == "offline" and not offline_too:
        message = f"config {config.hash[:12]} is for offline study"
        raise OfflineConfig(message, hint="ship a config of a live catalog, such as `current`")
    if config.expired(today):
        message = f"config {config.hash[:12]} expired on {config.expires_on}"
        raise InvalidRoutingConfig(message, hint="tune again; an expired config keeps routing but is never shipped")
    for arm in used_arms(config) if arms is None else arms:
        if arm not in config.arms:
            message = f"arm == {arm!r}, is not in the config"
            raise InvalidRoutingConfig(message, hint=f"known: {', '.join(sorted(config.arms)) or 'none'}")
        refuse_retired(config.arms[arm].model, catalog, offline=config.purpose == "offline", where=f"arm {arm!r}")


def refuse_retired(model: str, catalog: Catalog, *, offline: bool = False, where: str = "") -> None:
    """Raise if the vendor has switched a model off.

    Raises:
        RetiredModel: It has; names the replacement.
        UnknownModel: The catalog does not have it.
    """
    entry = catalog.resolve(model)
    if not offline and catalog.is_retired(entry.key):
        message = f"{f'{where} uses ' if where else ''}{entry.key}, which its vendor switched off on {entry.retired_on}"
        raise RetiredModel(message, hint=f"use {entry.replaced_by}" if entry.replaced_by else "choose another model")


def used_arms(config: RoutingConfig) -> list[str]:
    """Arms that have a share anywhere, in order; `default` is no arm of its own."""
    weights = [routing.weights for routing in config.tasks.values()] + [spec.weights for spec in config.experiments]
    return sorted({arm for shares in weights for arm, share in shares.items() if share and arm in config.arms})
