"""Run the coverage study: `python -m tests.calibration.study [replications]` prints the table as Markdown."""

from __future__ import annotations

import sys

import numpy as np

from tests.calibration import designs, samples
from tests.calibration.rows import Row, markdown

SEED = 20_261_124
REPLICATIONS = 2_000
SETTINGS = (
    samples.small_n,
    samples.rare_failures,
    samples.skewed_cost,
    designs.clustered_workspaces,
    designs.daily_looks,
    designs.ramping_propensities,
    designs.timeouts,
    designs.assignment,
    samples.many_arms,
    samples.missing_ratings,
)


def run(replications: int = REPLICATIONS) -> list[Row]:
    """Every setting with its own seeded generator, so that adding one changes no other."""
    rows: list[Row] = []
    for position, setting in enumerate(SETTINGS):
        rows += setting(np.random.default_rng([SEED, position]), replications)
    return rows


def main() -> None:
    """Print the table, and fail when one of our methods breaks its promise."""
    rows = run(int(sys.argv[1]) if len(sys.argv) > 1 else REPLICATIONS)
    sys.stdout.write(markdown(rows) + "\n")
    sys.exit(any(row.role == "ours" and not row.keeps_its_promise for row in rows))


if __name__ == "__main__":
    main()
