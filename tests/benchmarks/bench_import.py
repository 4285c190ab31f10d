"""What `import bizq_lab` costs beside `import pydantic`: medians of fresh interpreters, the bare start subtracted.

Run: python tests/benchmarks/bench_import.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 21


def start_s(statement: str) -> float:
    """Seconds of one fresh interpreter."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - begun


def main() -> None:
    """Interleave the statements, so that a busy moment hits all of them."""
    statements = {
        "bare": "pass",
        "pydantic": "import pydantic",
        "bizq_lab": "import bizq_lab",
        "bizq_lab.Lab": "from bizq_lab import Lab",
    }
    seconds: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(ROUNDS):
        for name, statement in statements.items():
            seconds[name].append(start_s(statement))
    median = {name: statistics.median(values) for name, values in seconds.items()}
    reference = median["pydantic"] - median["bare"]
    for name, value in median.items():
        net = value - median["bare"]
        sys.stdout.write(
            f"{name:<14}{value * 1e3:8.1f} ms   net {net * 1e3:7.1f} ms   x pydantic {net / reference:5.2f}\n"
        )


if __name__ == "__main__":
    main()
