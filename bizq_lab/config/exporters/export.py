"""One config in the form of the gateway that production runs, and what that gateway cannot say. Touches no file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from bizq_lab.config.canonical import file_bytes
from bizq_lab.config.exporters import envoy, litellm, portkey, tensorzero, typescript
from bizq_lab.config.exporters.losses import EVERYTHING, Loss, losses_of
from bizq_lab.config.exporters.routes import Route, routes_of
from bizq_lab.config.shippable import refuse_unshippable
from bizq_lab.config.yaml_view import yaml_view
from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from bizq_lab.catalog import Catalog
    from bizq_lab.config.schema import RoutingConfig

Target = Literal["json", "yaml", "litellm", "portkey-oss", "portkey-hosted", "envoy", "tensorzero", "typescript"]
TARGETS: tuple[Target, ...] = get_args(Target)
LOCAL_URL = "http://localhost:8080/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A config in another form.

    Attributes:
        target: Which form.
        text: What to write.
        losses: What the form cannot express.
        config_hash: Of the config that was exported.
    """

    target: Target
    text: str
    losses: tuple[Loss, ...]
    config_hash: str


def export(
    config: RoutingConfig, catalog: Catalog, target: Target, *, today: date, local_url: str = LOCAL_URL
) -> Export:
    """The config as a target's own loader reads it. No key is ever written, only where it is to be found.

    Args:
        config: A live config that has not expired.
        catalog: Gives what the config leaves to it: base models, parameters, prices, fallbacks.
        target: One of `TARGETS`.
        today: For the expiry.
        local_url: Where the local server answers, for models that stay in the house.

    Raises:
        OfflineConfig: The config is for replay, simulation or study.
        InvalidRoutingConfig: It has expired.
        RetiredModel: A model was switched off by its vendor.
        UnknownModel: The catalog does not have a model.
        InputError: There is no such target, or a name cannot be written as text.
    """
    if target not in TARGETS:
        message = f"target == {target!r}, is not one of the targets"
        raise InputError(message, hint=f"known: {', '.join(TARGETS)}")
    refuse_unshippable(config, catalog, today=today)
    routes = routes_of(config, catalog)
    write, keeps = _writers(config, catalog, routes, local_url)[target]
    text = write()
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"a name holds {error.object[error.start : error.end]!r}, which is no text"
        raise InputError(message, hint="rename the arm or the task type") from None
    return Export(target=target, text=text, losses=losses_of(config, routes, keeps=keeps), config_hash=config.hash)


def _writers(
    config: RoutingConfig, catalog: Catalog, routes: Sequence[Route], local_url: str
) -> dict[Target, tuple[Callable[[], str], frozenset[str]]]:
    """How each target is written, and which of the possible losses it does not suffer."""
    header = _header(config)
    return {
        "json": (lambda: file_bytes(config).decode("ascii"), EVERYTHING),
        "yaml": (lambda: yaml_view(config), EVERYTHING),
        "litellm": (lambda: litellm.litellm(routes, header=header, local_url=local_url), litellm.KEEPS),
        "portkey-oss": (lambda: portkey.portkey(routes, flavour="oss", local_url=local_url), portkey.KEEPS),
        "portkey-hosted": (lambda: portkey.portkey(routes, flavour="hosted", local_url=local_url), portkey.KEEPS),
        "envoy": (lambda: envoy.envoy(routes, header=header), envoy.KEEPS),
        "tensorzero": (lambda: tensorzero.tensorzero(routes, header=header, local_url=local_url), tensorzero.KEEPS),
        "typescript": (lambda: typescript.typescript(config, catalog, routes, header=header), typescript.KEEPS),
    }


def _header(config: RoutingConfig) -> str:
    """A comment that says where the file comes from; both YAML and TOML take it."""
    expiry = f", expires {config.expires_on}" if config.expires_on else ""
    lines = (
        f"Made by bizq_lab from routing config {config.hash}",
        f"of {config.as_of}{expiry}. Edit the routing config and export again, not this.",
    )
    return "".join(f"# {line}\n" for line in lines)
