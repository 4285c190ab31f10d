"""What a target cannot express, said instead of dropped. Knows no target: each exporter names what it keeps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bizq_lab.config.exporters.routes import Route
from bizq_lab.core.decision import DEFAULT_ARM

if TYPE_CHECKING:
    from bizq_lab.config.schema import RoutingConfig

EVERYTHING = frozenset(
    {"sticky", "experiments", "adaptive", "rules", "prompt", "price", "expiry", "propensity", "evidence"}
)


class Loss(NamedTuple):
    """Something of the config that the export does not have.

    Attributes:
        code: Stable, such as `sticky`.
        where: Task type, arm or experiment; `config` for the whole.
        detail: What happens instead.
    """

    code: str
    where: str
    detail: str

    def __str__(self) -> str:
        """`sticky (config): each request draws anew …`."""
        return f"{self.code} ({self.where}): {self.detail}"


def losses_of(config: RoutingConfig, routes: Sequence[Route], *, keeps: Collection[str]) -> tuple[Loss, ...]:
    """Everything in this config that a target which keeps only `keeps` does not express."""
    return tuple(loss for loss in _all(config, routes) if loss.code not in keeps)


def _all(config: RoutingConfig, routes: Sequence[Route]) -> Iterator[Loss]:
    if any(len(route.calls) > 1 for route in routes):
        yield Loss("sticky", "config", "each request draws anew by the weights; a workspace does not stay with its arm")
        yield Loss("propensity", "config", "decisions are not logged with their probability; none teaches anything")
    for spec in config.experiments:
        yield Loss("experiments", spec.id, f"does not run; {spec.task_type} goes by its weights")
    for name, routing in sorted(config.tasks.items()):
        if routing.adaptive is not None:
            yield Loss("adaptive", name, f"{routing.adaptive.kind} does not explore; the base model serves")
    yield from _of_calls(config, routes)
    if config.expires_on is not None:
        yield Loss("expiry", "config", f"nothing enforces that it expires on {config.expires_on}")
    if config.evidence:
        yield Loss(
            "evidence", "config", f"{len(config.evidence)} findings stay in the routing config {config.hash[:12]}"
        )


def _of_calls(config: RoutingConfig, routes: Sequence[Route]) -> Iterator[Loss]:
    calls = [(route.task_type, call) for route in routes for call in route.calls]
    for task_type, call in calls:
        if call.arm == DEFAULT_ARM:
            yield Loss("rules", task_type, f"the rules do not choose; their share goes to the base model {call.key}")
    for arm in sorted({call.arm for _, call in calls} & set(config.arms)):
        if config.arms[arm].prompt != "default":
            yield Loss("prompt", arm, f"prompt variant {config.arms[arm].prompt!r} is not rendered; the caller has to")
    for key in sorted({call.key for _, call in calls if call.price.core_second_nano_usd is not None}):
        yield Loss("price", key, "a price per core-second cannot be stated; it counts as free")
