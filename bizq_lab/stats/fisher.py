"""Fisher's exact test of two rates, one-sided: its error rate holds at every alpha, far into the tail too."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from bizq_lab.stats.tails import need
from bizq_lab.stats.types import Floats, Tally


def fisher_less(treatment: Tally, control: Tally) -> float:
    """Probability, given the margins, of as few successes of the treatment as it had, or fewer.

    Alarms that may fire only once in years live at p-values where the normal approximation is wrong by orders of
    magnitude (30 tasks at a rate of .95 with 8 failures: exact 7e-5, score test 5e-8); this one never errs that way.

    Args:
        treatment: The side that may have become worse.
        control: What it is compared with.

    Raises:
        NotEnoughData: A side without observations.

    Source:
        Fisher 1934; Agresti 2013, "Categorical data analysis", 3.5.1.
    """
    need(min(treatment.n, control.n), 1, "observations on each side")
    total, good = treatment.n + control.n, treatment.successes + control.successes
    least = max(0, good - control.n)
    counts = np.arange(least, treatment.successes + 1, dtype=np.float64)
    log_p = (
        _log_choose(good, counts) + _log_choose(total - good, treatment.n - counts) - _log_choose(total, treatment.n)
    )
    return float(min(1.0, np.exp(log_p).sum()))


def _log_choose(n: float, k: Floats | float) -> Floats:
    chosen = np.asarray(k, dtype=np.float64)
    return np.asarray(gammaln(n + 1.0) - gammaln(chosen + 1.0) - gammaln(n - chosen + 1.0), dtype=np.float64)
