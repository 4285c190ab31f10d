"""Logged decisions as a policy is valued on them: actions, propensities, sums, and what else could have been chosen.

Knows no query and no estimator. A task type's randomised and paired decisions are two `Traffic`s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bizq_lab.analysis.metrics import METRICS
from bizq_lab.analysis.policy_value import Decided
from bizq_lab.analysis.target_policy import Action, Policy
from bizq_lab.core.decision import PPB
from bizq_lab.stats.types import Floats

Row = Mapping[str, Any]


class Aim(NamedTuple):
    """A policy, laid over traffic.

    Attributes:
        shares: Shape (entries, actions). Its probability of each action; rows sum to 1 where all of it is supported.
        supported: Shape (entries,). Whether everything it may do there could have been logged.
        missing: Arms whose action never could have been, by id.
        infeasible: Decisions that nothing could serve under it.
        cost_weight: Shape (entries,). USD of utility per USD of cost.
        latency_usd_per_s: Shape (entries,). Price of waiting.
    """

    shares: Floats
    supported: NDArray[np.bool_]
    missing: frozenset[str]
    infeasible: int
    cost_weight: Floats
    latency_usd_per_s: Floats


class Kind(NamedTuple):
    """What tells decisions of a task type and a design apart, but for their cluster."""

    segment: str
    offer: str
    arm: str
    model: str
    prompt: str
    temperature: float | None
    propensity_ppb: int | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Traffic:
    """One task type's decisions of one design, an entry a group of like ones.

    Attributes:
        task_type: Task type.
        design: `randomised` or `paired`.
        kinds: What its decisions were.
        kind: Shape (entries,). Which of them each entry is.
        clusters: Shape (entries,). Code of the assignment unit, or of the task of a paired design; the same in all
            traffic of a log.
        sums: Columns of shape (entries,), by their names in `policy_sums.sql`.
        offers: Rows of `offers.sql` by offer.
        capped: Arms that are told apart by their own token limit.
    """

    task_type: str
    design: str
    kinds: tuple[Kind, ...]
    kind: NDArray[np.intp]
    clusters: NDArray[np.intp]
    sums: Mapping[str, NDArray[np.int64]]
    offers: Mapping[str, Row]
    capped: frozenset[str] = frozenset()

    @cached_property
    def size(self) -> Floats:
        """Shape (entries,). Decisions in each."""
        return self.sums["n"].astype(np.float64)

    @cached_property
    def arms(self) -> NDArray[np.object_]:
        """Shape (entries,). Arm that was assigned."""
        return np.array([kind.arm for kind in self.kinds], dtype=np.object_)[self.kind]

    def has(self, name: str) -> bool:
        """Whether every decision has the metric; zeros of answers that never came count only beside measurements."""
        if name == "quality" and not self.sums["quality_measured"].any():
            return False
        return bool((self.sums[METRICS[name].count] == self.sums["n"]).all())

    def total(self, name: str) -> Floats:
        """Shape (entries,). Sum of a metric in its unit."""
        metric = METRICS[name]
        return np.asarray(self.sums[metric.total] / metric.per_unit, dtype=np.float64)

    @cached_property
    def actions(self) -> dict[Action, int]:
        """Code of each action that was taken."""
        return {action: code for code, action in enumerate(dict.fromkeys(self._acts))}

    @cached_property
    def taken(self) -> NDArray[np.intp]:
        """Shape (entries,). Code of the action taken."""
        return np.array([self.actions[action] for action in self._acts], dtype=np.intp)[self.kind]

    @cached_property
    def decided(self) -> Decided:
        """As the estimators take them. Two arms that do the same share the action, and their propensities add up."""
        segments = {name: code for code, name in enumerate(sorted({kind.segment for kind in self.kinds}))}
        cell = np.array([segments[kind.segment] for kind in self.kinds], dtype=np.intp)
        propensity = np.array(
            [self._propensity(kind, action) for kind, action in zip(self.kinds, self._acts, strict=True)]
        )
        return Decided(
            cell=cell[self.kind],
            action=self.taken,
            actions=len(self.actions),
            propensity=propensity[self.kind],
            cluster=self.clusters,
            size=self.size,
        )

    def aim(self, policy_of: Callable[[Row], Policy]) -> Aim:
        """Lay a policy over it; each offer is asked for once."""
        codes = {offer: code for code, offer in enumerate(self.offers)}
        shares, supported = np.zeros((len(codes), len(self.actions))), np.ones(len(codes), dtype=np.bool_)
        weights, missing, infeasible = np.zeros((len(codes), 2)), set[str](), 0
        for offer, row in self.offers.items():
            policy, offered, code = policy_of(row), self._offered(row), codes[offer]
            weights[code] = policy.cost_weight, policy.latency_usd_per_s
            if not policy.choices:
                supported[code], infeasible = False, infeasible + int(row["n"])
            for choice in policy.choices:
                if choice.action in offered:
                    shares[code, self.actions[choice.action]] += choice.share
                else:
                    supported[code] = False
                    missing.add(choice.arm)
        at = np.array([codes[kind.offer] for kind in self.kinds], dtype=np.intp)[self.kind]
        return Aim(shares[at], supported[at], frozenset(missing), infeasible, weights[at, 0], weights[at, 1])

    def logged_shares(self) -> Floats | None:
        """Shape (entries, actions). What ran, as a policy; None where an offer does not tell, as in adaptive draws."""
        shares = np.zeros((len(self.kinds), len(self.actions)))
        for at, kind in enumerate(self.kinds):
            for candidate in self.offers[kind.offer]["candidates"] or ():
                share = float(candidate.get("propensity", 0.0))
                done = self._done.get((candidate["arm"], candidate["model"]), set()) if share > 0.0 else set()
                if len(done) == 1:
                    shares[at, self.actions[next(iter(done))]] += share
        logged = shares[self.kind]
        taken = logged[np.arange(self.kind.size), self.taken]
        told = np.allclose(logged.sum(axis=1), 1.0, atol=1e-6) and np.allclose(
            taken, self.decided.propensity, rtol=1e-6
        )
        return logged if told else None

    @cached_property
    def _done(self) -> dict[tuple[str, str], set[Action]]:
        """What each arm with each model was seen to do."""
        seen: dict[tuple[str, str], set[Action]] = {}
        for kind, action in zip(self.kinds, self._acts, strict=True):
            seen.setdefault((kind.arm, kind.model), set()).add(action)
        return seen

    @cached_property
    def _acts(self) -> tuple[Action, ...]:
        """What decisions of each kind did."""
        return tuple(
            Action(kind.model, kind.prompt, kind.temperature, kind.arm if kind.arm in self.capped else "")
            for kind in self.kinds
        )

    def _offered(self, offer: Row) -> set[Action]:
        """Every action that could have been taken; in a paired design all that were, since the plan ran them all."""
        if self.design == "paired":
            return set(self.actions)
        return {
            action
            for candidate in offer["candidates"] or ()
            if candidate.get("propensity", 0.0) > 0.0
            for action in self._done.get((candidate["arm"], candidate["model"]), ())
        }

    def _propensity(self, kind: Kind, mine: Action) -> float:
        """Of the action: the arm's own, and that of every other arm that would have done the same."""
        if self.design == "paired":
            return 1.0
        others = sum(
            float(candidate.get("propensity", 0.0))
            for candidate in self.offers[kind.offer]["candidates"] or ()
            if candidate["arm"] != kind.arm
            and candidate["model"] == kind.model
            and self._done.get((candidate["arm"], candidate["model"])) == {mine}
        )
        own = (kind.propensity_ppb or 0) / PPB  # none is asked for, and 0 would be refused
        return min(own + others, 1.0)
