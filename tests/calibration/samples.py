"""Settings about what is measured: small n, rare failures, skewed cost, many arms, missing ratings.

Every function takes a seeded generator and a number of replications, and returns rows; the sketch's own method stands
beside ours: plain means of what was finished or rated, rows taken as independent and normal.
"""

from __future__ import annotations

import math

import numpy as np

from bizq_lab.core.estimate import Estimate
from bizq_lab.stats import CrossMoments, PairedTally, Tally
from bizq_lab.stats.bootstrap import poisson_cluster_bootstrap
from bizq_lab.stats.many_arms import dunnett
from bizq_lab.stats.means import mean, paired_difference, welch_difference
from bizq_lab.stats.missing import Reported, mean_at_random, mean_bounds
from bizq_lab.stats.ordinal import brunner_munzel
from bizq_lab.stats.paired import mcnemar, newcombe_paired_difference, tango_difference
from bizq_lab.stats.proportions import miettinen_nurminen_difference, newcombe_difference
from bizq_lab.stats.ranks import rank_confidence_sets
from bizq_lab.stats.ratios import ratio, ratio_of_means
from bizq_lab.stats.types import Floats
from tests.calibration.naive import moments_of, plain_z
from tests.calibration.rows import Row, covers

Generator = np.random.Generator


def small_n(rng: Generator, replications: int) -> list[Row]:
    """Eight answers against five, unequal spread; ten tasks an arm for success."""
    setting, truth = "small n: means of 8 and 5, spread 1 and 3", 0.5
    pairs = [(rng.normal(truth, 1, 8), rng.normal(0, 3, 5)) for _ in range(replications)]
    welch = covers((welch_difference(moments_of(x), moments_of(y)).estimate for x, y in pairs), truth)
    naive = covers((plain_z(x, y) for x, y in pairs), truth)
    differences = [moments_of(rng.normal(truth, 1, 6)) for _ in range(replications)]
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
    naive = covers((plain_z(*(_outcomes(arm) for arm in arms)) for arms in tallies), truth)
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
        moments = [(moments_of(x), moments_of(y)) for x, y in arms]
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


def many_arms(rng: Generator, replications: int) -> list[Row]:
    """Four equal challengers of one incumbent, unequal spread and size; ranks with ties; ratings from one to five."""
    any_dunnett = any_plain = ranked = ordinal = 0
    sizes, spreads = (60, 20, 40, 30, 25), (1.0, 3.0, 0.5, 2.0, 1.0)
    theta, se = np.array([0.9, 0.9, 0.9, 0.8]), np.array([0.01, 0.02, 0.015, 0.02])
    true_rank = (np.array([1, 1, 1, 4]), np.array([3, 3, 3, 4]))
    for _ in range(replications):
        control, *others = (moments_of(rng.normal(0, s, n)) for n, s in zip(sizes, spreads, strict=True))
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
            strata = [
                Reported(moments_of(rating[seen & (kind == k)]), int((~seen & (kind == k)).sum())) for k in (0, 1)
            ]
            answers["aipw" + suffix].append(mean_at_random(strata))
            answers["plain" + suffix].append(mean(moments_of(rating[seen])))
        answers["bounds"].append(
            mean_bounds(Reported(moments_of(rating[selected]), int((~selected).sum())), (1, 5)).estimate
        )
    hits = {name: covers(estimates, truth) for name, estimates in answers.items()}
    mar, mnar = "ratings missing at random by task type, 25 % reported", "ratings missing not at random"
    return [
        Row(mar, "AIPW over task types", "coverage", 0.95, hits["aipw"], replications),
        Row(mar, "mean of the responders", "coverage", 0.95, hits["plain"], replications, "sketch"),
        Row(mnar, "worst-case bounds", "coverage", 0.95, hits["bounds"], replications),
        Row(mnar, "AIPW over task types", "coverage", 0.95, hits["aipw, mnar"], replications, "shown"),
        Row(mnar, "mean of the responders", "coverage", 0.95, hits["plain, mnar"], replications, "sketch"),
    ]
