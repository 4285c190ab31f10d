"""Pure numerics on moments, counts, arrays and histograms: what a statistician would sign.

It exists so that every number in an answer has one implementation, one source and one proof. It must not know
the log, pandas, a clock or a global generator: randomness comes in as a seeded `numpy.random.Generator`.
Importing it loads neither `scipy.stats` nor `statsmodels`; the few procedures that need them import them when called.

Every `*_difference(treatment, control)` is treatment minus control, charged to the arm that was assigned.
"""

from bizq_lab.stats.types import CrossMoments, Moments, PairedTally, Tally, Test

__all__ = ["CrossMoments", "Moments", "PairedTally", "Tally", "Test"]
