"""One config in the form of the gateway that production runs, and what that gateway cannot say. Touches no file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.config.canonical import file_bytes
from bizq_lab.config.exporters import envoy, litellm, portkey, tensorzero, typescript
from bizq_lab.config.exporters.losses import EVERYTHING, Loss, losses_of
from bizq_lab.config.exporters.routes import Route, routes_of
from bizq_lab.config.shippable import refuse_unshippable
from bizq_lab.config.yaml_view import yaml_view
from bizq_lab.errors import InputError
from bizq_lab.plugins import Group, offered, plugin

if TYPE_CHECKING:
    from datetime import date

    from bizq_lab.catalog import Catalog
    from bizq_lab.config.schema import RoutingConfig

LOCAL_URL = "http://localhost:8080/v1"
PLUGGED_IN: Group = "bizq_lab.exporters"


class Source(NamedTuple):
    """What an exporter writes from.

    Attributes:
        config: Verified, live, not expired.
        catalog: What the config leaves to it.
        routes: The config in terms that every gateway has: weighted calls and fallbacks by task type.
        header: A comment that says where the file comes from, for formats in which `#` starts one.
        local_url: Where the local server answers.
    """

    config: RoutingConfig
    catalog: Catalog
    routes: Sequence[Route]
    header: str
    local_url: str


class Exporter(NamedTuple):
    """One target, built in or offered by a package in the entry point group `bizq_lab.exporters`.

    Attributes:
        write: From the source to the text of the file; it touches no file and knows no key.
        keeps: Which of `losses.EVERYTHING` the target can express; the rest is reported as lost.
    """

    write: Callable[[Source], str]
    keeps: frozenset[str] = frozenset()


_BUILT_IN: Mapping[str, Exporter] = {
    "json": Exporter(lambda s: file_bytes(s.config).decode("ascii"), EVERYTHING),
    "yaml": Exporter(lambda s: yaml_view(s.config), EVERYTHING),
    "litellm": Exporter(lambda s: litellm.litellm(s.routes, header=s.header, local_url=s.local_url), litellm.KEEPS),
    "portkey-oss": Exporter(lambda s: portkey.portkey(s.routes, flavour="oss", local_url=s.local_url), portkey.KEEPS),
    "portkey-hosted": Exporter(
        lambda s: portkey.portkey(s.routes, flavour="hosted", local_url=s.local_url), portkey.KEEPS
    ),
    "envoy": Exporter(lambda s: envoy.envoy(s.routes, header=s.header), envoy.KEEPS),
    "tensorzero": Exporter(
        lambda s: tensorzero.tensorzero(s.routes, header=s.header, local_url=s.local_url), tensorzero.KEEPS
    ),
    "typescript": Exporter(
        lambda s: typescript.typescript(s.config, s.catalog, s.routes, header=s.header), typescript.KEEPS
    ),
}
TARGETS = tuple(_BUILT_IN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A config in another form.

    Attributes:
        target: Which form.
        text: What to write.
        losses: What the form cannot express.
        config_hash: Of the config that was exported.
    """

    target: str
    text: str
    losses: tuple[Loss, ...]
    config_hash: str


def targets() -> tuple[str, ...]:
    """Every target by name: ours, then those that installed packages offer."""
    return (*TARGETS, *(name for name in offered(PLUGGED_IN) if name not in _BUILT_IN))


def export(config: RoutingConfig, catalog: Catalog, target: str, *, today: date, local_url: str = LOCAL_URL) -> Export:
    """The config as a target's own loader reads it. No key is ever written, only where it is to be found.

    Args:
        config: A live config that has not expired.
        catalog: Gives what the config leaves to it: base models, parameters, prices, fallbacks.
        target: One of `targets()`.
        today: For the expiry.
        local_url: Where the local server answers, for models that stay in the house.

    Raises:
        OfflineConfig: The config is for replay, simulation or study.
        InvalidRoutingConfig: It has expired.
        RetiredModel: A model was switched off by its vendor.
        UnknownModel: The catalog does not have a model.
        InputError: There is no such target, its plug-in is broken, or a name cannot be written as text.
    """
    exporter = _exporter(target)
    refuse_unshippable(config, catalog, today=today)
    routes = routes_of(config, catalog)
    text = _written(target, exporter, Source(config, catalog, routes, _header(config), local_url))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"a name holds {error.object[error.start : error.end]!r}, which is no text"
        raise InputError(message, hint="rename the arm or the task type") from None
    return Export(
        target=target, text=text, losses=losses_of(config, routes, keeps=exporter.keeps), config_hash=config.hash
    )


def _exporter(target: str) -> Exporter:
    if target in _BUILT_IN:
        return _BUILT_IN[target]
    if target not in targets():
        message = f"target == {target!r}, is not one of the targets"
        raise InputError(message, hint=f"known: {', '.join(targets())}")
    exporter = plugin(PLUGGED_IN, target)
    if not isinstance(exporter, Exporter):
        message = f"exporter plug-in {target!r} is a {type(exporter).__name__}"
        raise InputError(message, hint="it must be a bizq_lab.config.exporters.Exporter(write, keeps)")
    return exporter


def _written(target: str, exporter: Exporter, source: Source) -> str:
    """What the exporter writes; the fault of a plug-in is named as its own."""
    if target in _BUILT_IN:
        return exporter.write(source)
    try:
        text: object = exporter.write(source)  # another package may not keep the type it promised
    except Exception as error:
        message = f"exporter plug-in {target!r} failed: {type(error).__name__}"
        raise InputError(
            message,
            hint="tell the maintainers of the package that offers it; its own words are in the cause of this error",
        ) from error
    if not isinstance(text, str):
        message = f"exporter plug-in {target!r} wrote a {type(text).__name__}"
        raise InputError(message, hint="its `write` must return the text of the file")
    return text


def _header(config: RoutingConfig) -> str:
    """A comment that says where the file comes from; both YAML and TOML take it."""
    expiry = f", expires {config.expires_on}" if config.expires_on else ""
    lines = (
        f"Made by bizq_lab from routing config {config.hash}",
        f"of {config.as_of}{expiry}. Edit the routing config and export again, not this.",
    )
    return "".join(f"# {line}\n" for line in lines)
