"""What changed between two configs, path by path. Must not know why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import JsonValue

if TYPE_CHECKING:
    from bizq_lab.config.schema import RoutingConfig


class Change(NamedTuple):
    """One difference.

    Attributes:
        path: Where, such as `tasks.order.process_batch.weights.default`.
        before: Value in the first config; None when absent.
        after: Value in the second config; None when absent.
    """

    path: str
    before: JsonValue
    after: JsonValue

    def __str__(self) -> str:
        """`path: before -> after`."""
        return f"{self.path}: {_shown(self.before)} -> {_shown(self.after)}"


def diff(a: RoutingConfig, b: RoutingConfig) -> tuple[Change, ...]:
    """Every leaf that differs, in the order of the paths; empty exactly when the hashes are equal."""
    before, after = _leaves(a), _leaves(b)
    return tuple(
        Change(".".join(path), before.get(path), after.get(path))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path) or (path in before) != (path in after)
    )


def _leaves(config: RoutingConfig) -> dict[tuple[str, ...], JsonValue]:
    leaves: dict[tuple[str, ...], JsonValue] = {}
    _collect(config.model_dump(mode="json", exclude_none=True), (), leaves)
    return leaves


def _collect(value: JsonValue, path: tuple[str, ...], leaves: dict[tuple[str, ...], JsonValue]) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            _collect(item, (*path, name), leaves)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            _collect(item, (*path, f"{number:04}"), leaves)
    else:
        leaves[path] = value


def _shown(value: JsonValue) -> str:
    return "(absent)" if value is None else repr(value)
