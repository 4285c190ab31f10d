"""Settings about how it was collected: clusters, daily looks, ramps, timeouts, assignment.

Every function takes a seeded generator and a number of replications, and returns rows; the sketch's own method stands
beside ours: `i % models`, pooled arms, finished calls alone, one z test read whenever one likes.
"""

from __future__ import annotations

import math

import numpy as np

from bizq_lab.core.estimate import Estimate
from bizq_lab.stats import Moments, Tally
from bizq_lab.stats.adjust import Stratum, post_stratified_difference
from bizq_lab.stats.bounded import empirical_bernstein_sequence
from bizq_lab.stats.clusters import ClusterSums, Kind, cluster_difference
from bizq_lab.stats.group_sequential import group_sequential_bounds
from bizq_lab.stats.importance import Logged
from bizq_lab.stats.means import welch_difference
from bizq_lab.stats.off_policy import doubly_robust, ips, snips
from bizq_lab.stats.proportions import miettinen_nurminen_difference
from bizq_lab.stats.sequential import critical_multiplier
from bizq_lab.stats.srm import sample_ratio, sequential_sample_ratio
from bizq_lab.stats.survival import LifeTable, log_rank, restricted_mean_difference
from bizq_lab.stats.types import Floats
from tests.calibration.naive import Z, plain_z
from tests.calibration.rows import Row, covers

Generator = np.random.Generator


def clustered_workspaces(rng: Generator, replications: int) -> list[Row]:
    """Workspaces are assigned, requests are counted: ICC .04, forty requests each, sizes uneven."""
    rows = []
    plans: tuple[tuple[int, Kind], ...] = ((100, "crv1"), (40, "crv3"), (16, "crv3"), (9, "permutation"))
    for clusters, kind in plans:
        robust = naive = chosen = 0
        for _ in range(replications):
            size = rng.poisson(rng.gamma(4, 10, clusters)) + 1
            shift = rng.normal(0, math.sqrt(0.04), clusters)
            mean = shift + rng.normal(0, 1, clusters) * np.sqrt(0.96 / size)
            within = 0.96 * rng.chisquare(np.maximum(size - 1, 1))
            arm = rng.permutation(np.arange(clusters) % 2) == 1
            total, total_sq = size * mean, within + size * mean**2
            halves = [ClusterSums.of(np.flatnonzero(m), size[m], total[m]) for m in (arm, ~arm)]
            robust += cluster_difference(*halves, kind=kind).p_value <= 0.05
            chosen += cluster_difference(*halves).p_value <= 0.05
            flat = [Moments(int(size[m].sum()), float(total[m].sum()), float(total_sq[m].sum())) for m in (arm, ~arm)]
            naive += welch_difference(*flat).p_value <= 0.05
        setting = f"clustered: {clusters} workspaces, ICC .04, about 40 requests"
        rows += [
            Row(setting, f"cluster-robust {kind.upper()}", "type I error", 0.05, robust, replications),
            Row(setting, "cluster-robust, chosen by itself", "type I error", 0.05, chosen, replications),
            Row(setting, "plain test of independent rows", "type I error", 0.05, naive, replications, "sketch"),
        ]
    return rows


def daily_looks(rng: Generator, replications: int) -> list[Row]:
    """Thirty daily looks at an experiment without any effect: how often does some look cry winner?"""
    days, per_day = 30, 100
    seen = np.cumsum(rng.binomial(per_day, 0.9, (replications, 2, days)), axis=2).astype(np.float64)
    n = np.arange(1, days + 1) * per_day
    rate = seen / n
    se = np.sqrt((rate * (1 - rate)).sum(axis=1) / (n - 1))
    z = np.abs(rate[:, 0] - rate[:, 1]) / se
    burnt_in = (np.minimum(seen, n - seen) >= 10).all(axis=1)
    wide = np.array([critical_multiplier(2.0 * k, 2.0 * days * per_day) for k in n.tolist()])
    planned = np.array(group_sequential_bounds([k / days for k in range(1, days + 1)]))
    alone = empirical_bernstein_sequence((rng.random((replications, 600)) < 0.9).astype(np.float64))
    missed = ((alone.lower > 0.9) | (alone.upper < 0.9)).any(axis=1)
    setting = "30 daily looks, 100 tasks an arm and day, success .9"
    return [
        Row(
            setting,
            "asymptotic confidence sequence",
            "type I error",
            0.05,
            int(((z > wide) & burnt_in).any(axis=1).sum()),
            replications,
        ),
        Row(
            setting,
            "group sequential, O'Brien-Fleming",
            "type I error",
            0.05,
            int((z > planned).any(axis=1).sum()),
            replications,
        ),
        Row(
            "one arm read after each of 600 tasks",
            "empirical-Bernstein sequence",
            "type I error",
            0.05,
            int(missed.sum()),
            replications,
        ),
        Row(
            setting,
            "z test read every day",
            "type I error",
            0.05,
            int((z > Z).any(axis=1).sum()),
            replications,
            "sketch",
        ),
    ]


def ramping_propensities(rng: Generator, replications: int) -> list[Row]:
    """A rollout from 10 to 50 per cent while tasks get harder: pooled arms compare different weeks."""
    stages, units = (0.1, 0.25, 0.5), (2000, 2000, 2000)
    alarms = sequential = nominal = post = pooled = 0
    values: dict[str, list[Estimate]] = {"IPS": [], "SNIPS": [], "DR": []}
    for _ in range(replications):
        treated = rng.binomial(units, stages)
        counts = np.column_stack([treated, np.subtract(units, treated)])
        shares = np.column_stack([stages, np.subtract(1, stages)])
        alarms += sample_ratio(counts, shares).p_value < 0.05
        nominal += sample_ratio(counts.sum(axis=0), shares[-1]).p_value < 0.05
        sequential += sequential_sample_ratio(counts, shares).p_value < 0.05
        rate = (0.95, 0.9, 0.8)
        strata = [
            Stratum(*(_tallied(int(rng.binomial(m, p)), int(m)) for m in row))
            for row, p in zip(counts, rate, strict=True)
        ]
        post += post_stratified_difference(strata).p_value <= 0.05
        merged = [sum((s[i] for s in strata[1:]), start=strata[0][i]) for i in (0, 1)]
        pooled += welch_difference(*merged).p_value <= 0.05
        for name, estimate in _policy_values(rng).items():
            values[name].append(estimate)
    setting = "ramp 10-25-50 %, tasks harder every week"
    rows = [
        Row(setting, "SRM, logged propensities", "type I error", 0.05, alarms, replications),
        Row(setting, "SRM, sequential", "type I error", 0.05, sequential, replications),
        Row(setting, "SRM, nominal weights", "type I error", 0.05, nominal, replications, "sketch"),
        Row(setting, "post-stratified by stage", "type I error", 0.05, post, replications),
        Row(setting, "pooled arms", "type I error", 0.05, pooled, replications, "sketch"),
    ]
    other = "off-policy: ramping log, another policy's value"
    rows += [Row(other, name, "coverage", 0.95, covers(e, _POLICY_VALUE), replications) for name, e in values.items()]
    return rows


_POLICY_VALUE = 0.5 * (0.8 * 0.9 + 0.2 * 0.6) + 0.5 * (0.2 * 0.5 + 0.8 * 0.8)


def _policy_values(rng: Generator) -> dict[str, Estimate]:
    """Six hundred logged decisions of a ramp; the target favours the better arm of each task type."""
    n = 600
    kind, propensity = rng.integers(0, 2, n), np.repeat([0.1, 0.25, 0.5], n // 3)
    action = (rng.random(n) < propensity).astype(int)
    quality = np.array([[0.9, 0.6], [0.5, 0.8]])
    target = np.array([[0.8, 0.2], [0.2, 0.8]])
    reward = (rng.random(n) < quality[kind, action]).astype(float)
    log = Logged.of(reward, np.where(action == 1, propensity, 1 - propensity), target[kind, action])
    model = quality * 0.9  # a model that is wrong by a tenth
    robust = doubly_robust(log, (target * model).sum(axis=1)[kind], model[kind, action])
    return {"IPS": ips(log).estimate, "SNIPS": snips(log).estimate, "DR": robust.estimate}


def _tallied(successes: int, n: int) -> Moments:
    return Moments(n, successes, successes)


def timeouts(rng: Generator, replications: int) -> list[Row]:
    """A timeout of 30 s cuts the slow arm: dropping those calls hides exactly what was to be measured."""
    horizon, means, n = 30.0, (20.0, 6.0), 120
    slow_mean, fast_mean = (m * (1 - math.exp(-horizon / m)) for m in means)
    truth = slow_mean - fast_mean
    restricted, completed, rejected = [], [], 0
    for _ in range(replications):
        slow, fast, other = (rng.exponential(m, n) for m in (*means, means[0]))
        restricted.append(restricted_mean_difference(_table(slow, horizon), _table(fast, horizon), horizon).estimate)
        completed.append(plain_z(slow[slow < horizon], fast[fast < horizon]))
        rejected += log_rank(_table(slow, horizon), _table(other, horizon)).p_value <= 0.05
    setting = "timeouts: true means 20 and 6 s, cut at 30 s, 120 calls"
    return [
        Row(setting, "restricted mean difference", "coverage", 0.95, covers(restricted, truth), replications),
        Row(setting, "mean of finished calls", "coverage", 0.95, covers(completed, truth), replications, "sketch"),
        Row("timeouts: equal arms, 22 % cut", "log-rank", "type I error", 0.05, rejected, replications),
    ]


def _table(times: Floats, horizon: float) -> LifeTable:
    return LifeTable.of(times[times < horizon], np.full(int((times >= horizon).sum()), horizon))


def assignment(rng: Generator, replications: int) -> list[Row]:
    """Tasks arrive in a pattern of period four; `i % models` gives one model the easy ones."""
    rate = np.tile([0.95, 0.65, 0.95, 0.65], 50)
    fair = cycled = 0
    for _ in range(replications):
        success = (rng.random(200) < rate).astype(float)
        drawn = rng.permutation(np.arange(200) % 2)
        fair += _differs(success[drawn == 0], success[drawn == 1])
        cycled += _differs(success[0::2], success[1::2])
    setting = "periodic stream of tasks, equal models, 100 an arm"
    return [
        Row(setting, "randomised assignment, score test", "type I error", 0.05, fair, replications),
        Row(setting, "i % models", "type I error", 0.05, cycled, replications, "sketch"),
    ]


def _differs(x: Floats, y: Floats) -> bool:
    return miettinen_nurminen_difference(*(Tally(int(v.sum()), v.size) for v in (x, y))).p_value <= 0.05
