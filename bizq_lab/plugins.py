"""What other packages offer under a name, through entry points. Knows no room; loads nothing before it is asked."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from bizq_lab.errors import InputError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Group = Literal["bizq_lab.providers", "bizq_lab.checks", "bizq_lab.exporters"]


def offered(group: Group) -> tuple[str, ...]:
    """Every name that an installed package offers in the group, sorted; none of them is loaded."""
    return tuple(sorted(_points(group)))


@cache
def plugin(group: Group, name: str) -> Any:
    """What a package offers under that name.

    Raises:
        InputError: Nobody offers it, or loading it failed, whatever its package raised.
    """
    point = _points(group).get(name)
    if point is None:
        message = f"no installed package offers {name!r} in the entry point group {group!r}"
        raise InputError(message, hint=f"offered: {', '.join(offered(group)) or 'nothing'}")
    try:
        return point.load()
    except Exception as error:
        message = f"plug-in {name!r} of {group} ({point.value}) cannot be loaded: {type(error).__name__}: {error}"
        raise InputError(message, hint="reinstall the package that offers it, or take its name out") from error


def _points(group: Group) -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow to import, and few need it

    return {point.name: point for point in entry_points(group=group)}
