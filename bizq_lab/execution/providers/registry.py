"""Providers by name, built in or plugged in. Knows where they live, and loads one only when asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from bizq_lab.core.protocols import Provider
from bizq_lab.errors import InputError, UnknownProvider

GROUP = "bizq_lab.providers"
_HERE = "bizq_lab.execution.providers"
_BUILT_IN = {
    "openai": (f"{_HERE}.openai", "OpenAIProvider"),
    "anthropic": (f"{_HERE}.anthropic", "AnthropicProvider"),
    "local": (f"{_HERE}.local", "LocalProvider"),
    "replay": (f"{_HERE}.replay", "ReplayProvider"),
}


def provider_names() -> tuple[str, ...]:
    """Every provider that `make_provider` knows, sorted."""
    return tuple(sorted({*_BUILT_IN, *_plugged_in()}))


def make_provider(name: str, **settings: Any) -> Provider:
    """A provider by name. Nothing is opened, and no key is read, until its first call.

    Args:
        name: `openai`, `anthropic`, `local`, `replay`, or what a package offers in the entry point group
            `bizq_lab.providers`: a callable that takes the settings and returns a `Provider`.
        settings: The provider's own, such as `threads=1` for `local` or `outcomes=…` for `replay`.

    Raises:
        UnknownProvider: Nobody offers that name; near names are in the message.
        InputError: The provider has no such setting, or a plug-in cannot be loaded.
    """
    plugged_in = {} if name in _BUILT_IN else _plugged_in()
    if name not in _BUILT_IN and name not in plugged_in:
        raise UnknownProvider.among(name, provider_names())
    if name in _BUILT_IN:
        module, attribute = _BUILT_IN[name]
        factory = getattr(import_module(module), attribute)
    else:
        factory = _load(plugged_in[name])
    try:
        provider: Provider = factory(**settings)
    except TypeError as error:
        message = f"provider {name!r} cannot be made with settings {sorted(settings)}: {error}"
        raise InputError(message, hint=f"help({getattr(factory, '__name__', name)}) lists them") from error
    return provider


def _plugged_in() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _load(point: EntryPoint) -> Any:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        message = f"provider plug-in {point.name!r} ({point.value}) cannot be loaded: {error}"
        raise InputError(message, hint="reinstall the package that offers it") from error
