"""Providers by name, built in or plugged in. Knows where they live, and loads one only when asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bizq_lab.core.protocols import Provider
from bizq_lab.errors import BizqLabError, InputError, UnknownProvider
from bizq_lab.execution.redact import redact
from bizq_lab.plugins import Group, offered, plugin

GROUP: Group = "bizq_lab.providers"
_HERE = "bizq_lab.execution.providers"
_BUILT_IN = {
    "openai": (f"{_HERE}.openai", "OpenAIProvider"),
    "anthropic": (f"{_HERE}.anthropic", "AnthropicProvider"),
    "local": (f"{_HERE}.local", "LocalProvider"),
    "replay": (f"{_HERE}.replay", "ReplayProvider"),
}


def provider_names() -> tuple[str, ...]:
    """Every provider that `make_provider` knows, sorted."""
    return tuple(sorted({*_BUILT_IN, *offered(GROUP)}))


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
    if name in _BUILT_IN:
        module, attribute = _BUILT_IN[name]
        factory = getattr(import_module(module), attribute)
    elif name in offered(GROUP):
        factory = plugin(GROUP, name)
    else:
        raise UnknownProvider.among(name, provider_names())
    try:
        provider: Provider = factory(**settings)
    except BizqLabError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {redact(error)}"
        message = f"provider {name!r} cannot be made with settings {sorted(settings)}: {reason}"
        raise InputError(message, hint=f"help({getattr(factory, '__name__', name)}) lists them") from error
    return provider
