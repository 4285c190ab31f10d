"""Figures of plain rows: one style, intervals always, direct labels, an alternative text. Must not know any question.

Every function takes rows (mappings whose numbers are `Estimate`s) and `ax=None`, and returns Axes; matplotlib loads
when one is called. `figure_svg` and `figure_png` turn Axes into bytes that depend on the rows alone.
"""

from bizq_lab.viz.curves import acceptability, sequence
from bizq_lab.viz.image import figure_png, figure_svg
from bizq_lab.viz.intervals import cost_bars, forest
from bizq_lab.viz.latency import latency_histogram
from bizq_lab.viz.power import power_curve
from bizq_lab.viz.rollout import rollout_history
from bizq_lab.viz.shares import weights
from bizq_lab.viz.spans import spans
from bizq_lab.viz.timeline import timeline
from bizq_lab.viz.tradeoff import frontier
from bizq_lab.viz.waterfall import waterfall

__all__ = [
    "acceptability",
    "cost_bars",
    "figure_png",
    "figure_svg",
    "forest",
    "frontier",
    "latency_histogram",
    "power_curve",
    "rollout_history",
    "sequence",
    "spans",
    "timeline",
    "waterfall",
    "weights",
]
