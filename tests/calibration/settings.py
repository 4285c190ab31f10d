"""The settings: small n, skewed cost, rare failures, clusters, looks, ramps, timeouts, missing. One function each.

Every function takes a seeded generator and a number of replications, and returns rows. The sketch's own method stands
beside ours: `i % models`, plain means of finished tasks, independent rows, one z test, read whenever one likes.
"""

from __future__ import annotations

import math

import numpy as np

from bizq_lab.core.estimate import Estimate
from bizq_lab.stats import CrossMoments, Moments, PairedTally, Tally
from bizq_lab.stats.adjust import Stratum, post_stratified_difference
from bizq_lab.stats.bootstrap import poisson_cluster_bootstrap
from bizq_lab.stats.bounded import empirical_bernstein_sequence
from bizq_lab.stats.clusters import ClusterSums, Kind, cluster_difference
from bizq_lab.stats.group_sequential import group_sequential_bounds
from bizq_lab.stats.importance import Logged
from bizq_lab.stats.many_arms import dunnett
from bizq_lab.stats.means import mean, paired_difference, welch_difference
from bizq_lab.stats.missing import Reported, mean_at_random, mean_bounds
from bizq_lab.stats.off_policy import doubly_robust, ips, snips
from bizq_lab.stats.ordinal import brunner_munzel
from bizq_lab.stats.paired import mcnemar, newcombe_paired_difference, tango_difference
from bizq_lab.stats.proportions import miettinen_nurminen_difference, newcombe_difference
from bizq_lab.stats.ranks import rank_confidence_sets
from bizq_lab.stats.ratios import ratio, ratio_of_means
from bizq_lab.stats.sequential import critical_multiplier
from bizq_lab.stats.srm import sample_ratio, sequential_sample_ratio
from bizq_lab.stats.survival import LifeTable, log_rank, restricted_mean_difference
from bizq_lab.stats.types import Floats
from tests.calibration.rows import Row, covers

Generator = np.random.Generator
Z = 1.959963984540054


def _plain_z(x: Floats, y: Floats) -> Estimate:
    """The sketch's analysis: difference of averages, rows taken as independent and normal."""
    value, half = float(x.mean() - y.mean()), Z * math.sqrt(x.var() / x.size + y.var() / y.size)
    return Estimate(value=value, lower=value - half, upper=value + half)


def _of(values: Floats) -> Moments:
    return Moments(values.size, float(values.sum()), float((values**2).sum()))


def small_n(rng: Generator, replications: int) -> list[Row]:
    """Eight answers against five, unequal spread; ten tasks an arm for success."""
    setting, truth = "small n: means of 8 and 5, spread 1 and 3", 0.5
    pairs = [(rng.normal(truth, 1, 8), rng.normal(0, 3, 5)) for _ in range(replications)]
    welch = covers((welch_difference(_of(x), _of(y)).estimate for x, y in pairs), truth)
    naive = covers((_plain_z(x, y) for x, y in pairs), truth)
    differences = [_of(rng.normal(truth, 1, 6)) for _ in range(replications)]
    paired = covers((paired_difference(d).estimate for d in differences), truth)
    rates = "small n: success .95 and .80 of 10 tasks"
    tallies = [(Tally(int(a), 10), Tally(int(b), 10)) for a, b in rng.binomial(10, (0.95, 0.8), (replications, 2))]
    return [
        Row(setting, "Welch t", "coverage", 0.95, welch, replications),
        Row(setting, "plain z", "coverage", 0.95, naive, replications, "sketch"),
        Row("small n: 6 pairs", "paired t", "coverage", 0.95, paired, replications),
        *_rate_rows(rates, tallies, 0.15),
    ]


def _rate_rows(setting: str, tallies: list[tuple[Tally, Tally]], truth: float) -> list[Row]:
    n = len(tallies)
    score = covers((miettinen_nurminen_difference(*arms).estimate for arms in tallies), truth)
    hybrid = covers((newcombe_difference(*arms) for arms in tallies), truth)
    naive = covers((_plain_z(*(_outcomes(arm) for arm in arms)) for arms in tallies), truth)
    return [
        Row(setting, "Miettinen-Nurminen score", "coverage", 0.95, score, n),
        Row(setting, "Newcombe hybrid score", "coverage", 0.95, hybrid, n),
        Row(setting, "plain z", "coverage", 0.95, naive, n, "sketch"),
    ]


def _outcomes(tally: Tally) -> Floats:
    return np.repeat([1.0, 0.0], [tally.successes, tally.n - tally.successes])


def rare_failures(rng: Generator, replications: int) -> list[Row]:
    """One failure in a hundred: the interval must not be a point when none was seen."""
    setting = "rare failures: success .995 and .985 of 200"
    draws = rng.binomial(200, (0.995, 0.985), (replications, 2))
    tallies = [(Tally(int(a), 200), Tally(int(b), 200)) for a, b in draws]
    paired = "rare failures, paired: 2 % discordant of 150"
    cells = rng.multinomial(150, (0.97, 0.015, 0.005, 0.01), replications)
    tables = [PairedTally(both=a, treatment_only=b, control_only=c, neither=d) for a, b, c, d in cells.tolist()]
    tango = covers((tango_difference(t).estimate for t in tables), 0.01)
    hybrid = covers((newcombe_paired_difference(t) for t in tables), 0.01)
    null = rng.multinomial(60, (0.6, 0.1, 0.1, 0.2), replications)
    even = [PairedTally(both=a, treatment_only=b, control_only=c, neither=d) for a, b, c, d in null.tolist()]
    return [
        *_rate_rows(setting, tallies, 0.01),
        Row(paired, "Tango score", "coverage", 0.95, tango, replications),
        Row(paired, "Newcombe paired", "coverage", 0.95, hybrid, replications),
        Row(
            "paired success, equal arms, 60 tasks",
            "McNemar mid-p",
            "type I error",
            0.05,
            sum(mcnemar(t).p_value <= 0.05 for t in even),
            replications,
        ),
    ]


def skewed_cost(rng: Generator, replications: int) -> list[Row]:
    """Costs with a heavy right tail: no interval is exact, the table says by how much."""
    rows = []
    for sigma, n, role in ((1.0, 200, "ours"), (1.5, 60, "shown")):
        setting, average = f"skewed cost: log-normal sigma {sigma}, {n} an arm", math.exp(sigma**2 / 2)
        arms = [tuple(rng.lognormal(0, sigma, n) * scale for scale in (1.2, 1.0)) for _ in range(replications)]
        moments = [(_of(x), _of(y)) for x, y in arms]
        answers = {
            "Welch t, difference": ((welch_difference(*m).estimate for m in moments), 0.2 * average),
            "ratio of means, log delta": ((ratio_of_means(*m, method="log").estimate for m in moments), 1.2),
            "ratio of means, Fieller": ((ratio_of_means(*m).estimate for m in moments), 1.2),
        }
        for method, (estimates, truth) in answers.items():
            rows.append(Row(setting, method, "coverage", 0.95, covers(estimates, truth), replications, role))  # type: ignore[arg-type]
    rows.append(_cost_per_success(rng, replications))
    rows.append(_bootstrapped(rng, max(replications // 4, 100)))
    return rows


def _cost_per_success(rng: Generator, replications: int) -> Row:
    truth, estimates = math.exp(0.5) / 0.9, []
    for _ in range(replications):
        cost, success = rng.lognormal(0, 1.0, 300), (rng.random(300) < 0.9).astype(float)
        joint = CrossMoments(
            300, *map(float, (cost.sum(), (cost**2).sum(), success.sum(), success.sum(), (cost * success).sum()))
        )
        estimates.append(ratio(joint).estimate)
    setting = "cost per success: log-normal cost, success .9, 300 tasks"
    return Row(setting, "Fieller", "coverage", 0.95, covers(estimates, truth), replications)


def _bootstrapped(rng: Generator, replications: int) -> Row:
    def cost_per_success(sums: Floats) -> Floats:
        return np.asarray(sums[:, 0] / sums[:, 1], dtype=np.float64)

    estimates = []
    for _ in range(replications):
        size = rng.poisson(8, 80) + 1
        level = rng.lognormal(0, 0.4, 80)
        cost, success = rng.gamma(size, 1.0) * level, rng.binomial(size, 0.9)
        sums = np.column_stack([cost, success])
        estimates.append(poisson_cluster_bootstrap(sums, cost_per_success, rng=rng, replicates=999))
    truth = math.exp(0.08) / 0.9
    setting = "cost per success, clustered: 80 workspaces, skewed prices"
    return Row(setting, "Poisson bootstrap, BCa", "coverage", 0.95, covers(estimates, truth), replications, "shown")


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
        completed.append(_plain_z(slow[slow < horizon], fast[fast < horizon]))
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


def many_arms(rng: Generator, replications: int) -> list[Row]:
    """Four equal challengers of one incumbent, unequal spread and size; ranks with ties; ratings from one to five."""
    any_dunnett = any_plain = ranked = ordinal = 0
    sizes, spreads = (60, 20, 40, 30, 25), (1.0, 3.0, 0.5, 2.0, 1.0)
    theta, se = np.array([0.9, 0.9, 0.9, 0.8]), np.array([0.01, 0.02, 0.015, 0.02])
    true_rank = (np.array([1, 1, 1, 4]), np.array([3, 3, 3, 4]))
    for _ in range(replications):
        control, *others = (_of(rng.normal(0, s, n)) for n, s in zip(sizes, spreads, strict=True))
        any_dunnett += any(t.p_value <= 0.05 for t in dunnett(others, control))
        any_plain += any(welch_difference(o, control).p_value <= 0.05 for o in others)
        sets = rank_confidence_sets(rng.normal(theta, se), se, rng=rng, draws=500)
        ranked += all(s.best <= low and s.worst >= high for s, low, high in zip(sets, *true_rank, strict=True))
        ratings = (rng.choice(5, 25, p=p) for p in ([0.05, 0.1, 0.2, 0.4, 0.25], [0.05, 0.1, 0.2, 0.4, 0.25]))
        ordinal += brunner_munzel(*ratings).p_value <= 0.05
    return [
        Row(
            "5 arms, unequal spread, no effect",
            "Dunnett, unequal variances",
            "type I error",
            0.05,
            any_dunnett,
            replications,
        ),
        Row(
            "5 arms, unequal spread, no effect",
            "each against the control",
            "type I error",
            0.05,
            any_plain,
            replications,
            "sketch",
        ),
        Row("4 arms, three tied", "rank confidence sets", "coverage", 0.95, ranked, replications),
        Row("ratings 1 to 5, 25 an arm", "Brunner-Munzel", "type I error", 0.05, ordinal, replications),
    ]


def missing_ratings(rng: Generator, replications: int) -> list[Row]:
    """A quarter of ratings arrives: first the missing depend on the task type alone, then on the rating itself."""
    levels = np.arange(1.0, 6.0)
    by_type = np.array([[0.02, 0.05, 0.13, 0.4, 0.4], [0.2, 0.25, 0.25, 0.2, 0.1]])
    truth = float((by_type @ levels).mean())
    answers: dict[str, list[Estimate]] = {"aipw": [], "plain": [], "bounds": [], "aipw, mnar": [], "plain, mnar": []}
    for _ in range(replications):
        kind = rng.integers(0, 2, 600)
        rating = np.where(kind == 0, rng.choice(levels, 600, p=by_type[0]), rng.choice(levels, 600, p=by_type[1]))
        at_random = rng.random(600) < np.array([0.4, 0.1])[kind]
        selected = rng.random(600) < np.array([0.6, 0.25, 0.1, 0.1, 0.25])[rating.astype(int) - 1]
        for seen, suffix in ((at_random, ""), (selected, ", mnar")):
            strata = [Reported(_of(rating[seen & (kind == k)]), int((~seen & (kind == k)).sum())) for k in (0, 1)]
            answers["aipw" + suffix].append(mean_at_random(strata))
            answers["plain" + suffix].append(mean(_of(rating[seen])))
        answers["bounds"].append(mean_bounds(Reported(_of(rating[selected]), int((~selected).sum())), (1, 5)).estimate)
    hits = {name: covers(estimates, truth) for name, estimates in answers.items()}
    mar, mnar = "ratings missing at random by task type, 25 % reported", "ratings missing not at random"
    return [
        Row(mar, "AIPW over task types", "coverage", 0.95, hits["aipw"], replications),
        Row(mar, "mean of the responders", "coverage", 0.95, hits["plain"], replications, "sketch"),
        Row(mnar, "worst-case bounds", "coverage", 0.95, hits["bounds"], replications),
        Row(mnar, "AIPW over task types", "coverage", 0.95, hits["aipw, mnar"], replications, "shown"),
        Row(mnar, "mean of the responders", "coverage", 0.95, hits["plain, mnar"], replications, "sketch"),
    ]


SETTINGS = (
    small_n,
    rare_failures,
    skewed_cost,
    clustered_workspaces,
    daily_looks,
    ramping_propensities,
    timeouts,
    assignment,
    many_arms,
    missing_ratings,
)
