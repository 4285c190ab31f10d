"""Draws `docs/comparisons.png`, the README's picture, from the outcomes that the project recorded: `make picture`."""

from __future__ import annotations

from pathlib import Path

from bizq_lab.lab.demo import open_demo
from bizq_lab.viz import figure_png, forest

PICTURE = Path(__file__).parent / "comparisons.png"


def draw() -> bytes:
    """The replayed demo: what it found at each task type, best first."""
    demo = open_demo(provider="replay")
    with demo.lab:
        found = demo.run().comparisons
    rows = [{"task": one.task_type, "difference": one.main_row().difference} for one in found]
    rows.sort(key=lambda row: -row["difference"].value)
    ax = forest(
        rows,
        label="task",
        estimate="difference",
        reference=0.0,
        better="increase",
        title="Does an example in the prompt help?",
        xlabel="difference in success rate, 95 % interval",
    )
    return figure_png(ax, dpi=110)


if __name__ == "__main__":
    PICTURE.write_bytes(draw())
