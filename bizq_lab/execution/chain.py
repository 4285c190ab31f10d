"""Which models may follow when one fails. Knows the catalog and the workspace's permissions, not what failed or why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from bizq_lab.core.decision import CostEstimate, RoutingDecision
from bizq_lab.core.model import ModelConfig, Reason
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.errors import UnknownModel
from bizq_lab.execution.error_table import FailOver

if TYPE_CHECKING:
    from bizq_lab.catalog import Catalog
    from bizq_lab.catalog.schema import ModelEntry, TaskTypeEntry


def permitted_chain(
    primary: ModelConfig, fallbacks: Iterable[ModelConfig], context: RoutingContext, catalog: Catalog
) -> tuple[ModelConfig, ...]:
    """The primary and those fallbacks that may really follow it, without repeats (S11, S22).

    A `local` model never fails over to a remote one unless the workspace allows it. `requires_consistency` fails
    over only to the same model elsewhere unless the workspace allows more.
    """
    chain, seen = [primary], {primary.key}
    for config in fallbacks:
        if config.key not in seen and _may_follow(primary, config, context, catalog):
            seen.add(config.key)
            chain.append(config)
    return tuple(chain)


def specification_chain(
    primary: ModelConfig, entry: TaskTypeEntry, context: RoutingContext, catalog: Catalog
) -> tuple[ModelConfig, ...]:
    """The specification's chain for a config that nobody routed, without its repeats.

    The other provider's model of the same tier comes first, then the cheapest model; both keep the task's parameters.
    A model to be opted into follows only where the task type names it.
    """
    named = {catalog.resolve(name).key for name in (entry.model, *entry.models)}
    known = [model for model in catalog.models.values() if not model.opt_in or model.key in named]
    usable = [model for model in known if _usable(model, primary, catalog)]
    others = [model for model in usable if model.provider != primary.provider and model.tier == primary.tier]
    same_tier = sorted(others, key=lambda model: _price(model, catalog))[:1]
    cheapest = sorted(usable, key=lambda model: _price(model, catalog))[:1]
    reasons = (Reason("failover_other_provider"), Reason("failover_cheapest"))
    configs = [
        catalog.model_config(
            model.key, entry, variant=primary.prompt, temperature=primary.temperature, max_tokens=primary.max_tokens
        ).because(reason, top_p=primary.top_p, stop=primary.stop)
        for models, reason in zip((same_tier, cheapest), reasons, strict=True)
        for model in models
    ]
    return permitted_chain(primary, configs, context, catalog)


def followers(
    rule: FailOver, failed: ModelConfig, rest: Iterable[ModelConfig], catalog: Catalog
) -> Iterator[ModelConfig]:
    """Those of the rest that may follow after a failure whose row of the error table says `rule`."""
    for config in rest:
        elsewhere = rule == "other_provider" and config.provider != failed.provider
        larger = rule == "larger_window" and _window(config, catalog) > _window(failed, catalog)
        if rule == "any" or elsewhere or larger:
            yield config


def is_local(config: ModelConfig, catalog: Catalog) -> bool:
    """Whether a model never leaves the machine."""
    entry = _entry(config, catalog)
    return entry.residency == "local" if entry else config.provider == "local"


def _may_follow(primary: ModelConfig, config: ModelConfig, context: RoutingContext, catalog: Catalog) -> bool:
    preferences = context.workspace_preferences
    stays_local = preferences is not None and preferences.residency == "local"
    may_leave = preferences is not None and preferences.allow_remote_failover and not stays_local
    if not is_local(config, catalog) and (stays_local or (is_local(primary, catalog) and not may_leave)):
        return False
    may_vary = preferences is not None and preferences.allow_failover_when_consistent
    return config.model == primary.model or may_vary or not context.requires_consistency


def _usable(model: ModelEntry, primary: ModelConfig, catalog: Catalog) -> bool:
    fits = model.key != primary.key and model.context_window >= primary.max_tokens
    same_side = (model.residency == "local") == is_local(primary, catalog)
    return fits and same_side and not (catalog.purpose == "live" and catalog.is_retired(model.key))


def _price(model: ModelEntry, catalog: Catalog) -> tuple[bool, int, str]:
    price = catalog.price(model.key)
    output = price.output_nano_usd_per_mtok
    return (output is None, output or 0, model.key)


def _window(config: ModelConfig, catalog: Catalog) -> int:
    entry = _entry(config, catalog)
    return entry.context_window if entry else 0


def _entry(config: ModelConfig, catalog: Catalog) -> ModelEntry | None:
    try:
        return catalog.resolve(config.key)
    except UnknownModel:
        return None


def undecided(
    task: Task, primary: ModelConfig, context: RoutingContext, catalog: Catalog, *, decision_id: str
) -> RoutingDecision:
    """What stands in for a decision where nobody decided: a bare config, with the specification's chain."""
    entry, source = catalog.task_type(task.type)
    return RoutingDecision(
        decision_id=decision_id, task=task, context=context, base_source=source, segment="", arm=primary.key,
        policy="rules", design="observational", config=primary,
        fallbacks=specification_chain(primary, entry, context, catalog)[1:],
        candidates=(), propensity=1.0,
        estimate=CostEstimate(0, 0, None, None, None, 0.0, primary.key),
        unit=context.workspace_id, config_hash="", catalog_version=catalog.version, snapshot_id="", seed=0,
    )  # fmt: skip
