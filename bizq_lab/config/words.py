"""What changed between two configs in sentences, weights first. Must not know why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bizq_lab.config.assigned import Assigner
from bizq_lab.config.diff import Change, diff
from bizq_lab.config.parts import TaskRouting
from bizq_lab.core.decision import DEFAULT_ARM

if TYPE_CHECKING:
    from bizq_lab.config.schema import RoutingConfig

SAMPLE = 2_000
_SAID = ("tasks", "arms", "experiments", "evidence", "parent", "signature")


def in_words(a: RoutingConfig, b: RoutingConfig) -> tuple[str, ...]:
    """A sentence for each change; empty exactly when the hashes are equal.

    How many units change their arm is counted on a fixed sample of unit names, by the hash that production uses.
    """
    if a.hash == b.hash:
        return ()
    said = (*_tasks(a, b), *_arms(a, b), *_experiments(a, b), *_whole(a, b))
    return said or tuple(map(str, diff(a, b)))


def _tasks(a: RoutingConfig, b: RoutingConfig) -> Iterator[str]:
    before_all, after_all = Assigner(a), Assigner(b)
    for name in sorted({*a.tasks, *b.tasks}):
        before, after = a.tasks.get(name, TaskRouting()), b.tasks.get(name, TaskRouting())
        if before == after:
            continue
        moves = [
            f"{arm} {before.weights.get(arm, 0)} % -> {after.weights.get(arm, 0)} %"
            for arm in sorted({*before.weights, *after.weights})
            if before.weights.get(arm, 0) != after.weights.get(arm, 0)
        ]
        if moves or (before.salt, before.unit) != (after.salt, after.unit):
            units = [f"unit_{number}" for number in range(SAMPLE)]
            moved = sum(before_all.assign(name, unit).arm != after_all.assign(name, unit).arm for unit in units)
            yield f"{name}: {', '.join(moves) or 'same weights'}; {moved / SAMPLE:.0%} of units change their arm"
        if before.salt != after.salt:
            yield f"{name}: the salt changed, so that units are dealt anew"
        if before.unit != after.unit:
            yield f"{name}: what sticks to its arm is the {after.unit}, no longer the {before.unit}"
        if before.models != after.models:
            now, then = (", ".join(routing.models) or "all" for routing in (after, before))
            yield f"{name}: allowed models are {now}, were {then}"
        if before.adaptive != after.adaptive:
            verb = "stops exploring" if after.adaptive is None else f"explores by {after.adaptive.kind}"
            yield f"{name}: {verb}"
        if before.stage != after.stage:
            yield f"{name}: ramp stage {after.stage or '(none)'}, was {before.stage or '(none)'}"


def _arms(a: RoutingConfig, b: RoutingConfig) -> Iterator[str]:
    for arm in sorted({*a.arms, *b.arms} - {DEFAULT_ARM}):
        before, after = a.arms.get(arm), b.arms.get(arm)
        if before is None and after is not None:
            yield f"arm {arm} is new: {after.model}"
        elif after is None and before is not None:
            yield f"arm {arm} is gone: it was {before.model}"
        elif before is not None and after is not None and before != after:
            changes = [
                f"{field} {getattr(before, field)} -> {getattr(after, field)}"
                for field in type(before).model_fields
                if getattr(before, field) != getattr(after, field)
            ]
            yield f"arm {arm}: {', '.join(changes)}"


def _experiments(a: RoutingConfig, b: RoutingConfig) -> Iterator[str]:
    before, after = ({spec.id: spec for spec in config.experiments} for config in (a, b))
    for name in sorted({*before, *after}):
        if name not in before:
            yield f"experiment {name} starts at {after[name].task_type}"
        elif name not in after:
            yield f"experiment {name} ends at {before[name].task_type}"
        elif before[name] != after[name]:
            yield f"experiment {name} changed"


def _whole(a: RoutingConfig, b: RoutingConfig) -> Iterator[str]:
    """The rest, path by path; evidence as a count, the lineage as one sentence."""
    if a.evidence != b.evidence:
        fresh = sum(row not in a.evidence for row in b.evidence)
        yield f"evidence: {len(b.evidence)} findings, {fresh} of them new, were {len(a.evidence)}"
    if (a.signature is None) != (b.signature is None):
        yield "it is signed now" if b.signature is not None else "it is no longer signed"
    elif a.signature is not None and b.signature is not None and a.signature.key != b.signature.key:
        yield f"it is signed with key {b.signature.key}, was {a.signature.key}"
    if a.parent != b.parent:
        yield "it replaces the first" if b.parent == a.hash else f"its parent is {b.parent[:12] or '(none)'}"
    yield from (_sentence(change) for change in diff(a, b) if not change.path.startswith(_SAID))


def _sentence(change: Change) -> str:
    return f"{change.path.replace('_', ' ')}: {change.after or '(none)'}, was {change.before or '(none)'}"
