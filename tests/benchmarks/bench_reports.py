"""What a daily report costs: a log of a million attempts, the report beside the bare queries that it asks.

Run: python -m tests.benchmarks.bench_reports [--rows 1000000] [--rounds 2] [--folder FOLDER]

The log is made once, by SQL, in a folder outside the repository: ten task types, four arms, 5,000 workspaces, 14 days,
one attempt a decision. The bare queries are those that the report asked, with the same parameters, each once, on one
open connection, fetched and thrown away; the report is everything from opening the lab to the bytes of its HTML.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, NamedTuple

from bizq_lab.store.statements import statement
from tests.benchmarks.bench_analysis import make_log

DAYS = 14
AS_OF = date(2026, 11, DAYS)
TYPES = (
    *("analytics.generate_report", "content.create_social_post", "content.optimize_seo", "content.write_blog_post"),
    *("content.write_product_description", "customer.answer_inquiry", "customer.process_return"),
    *("marketing.create_campaign", "order.process_batch", "product.research_trending"),
)
MODELS = ("openai/gpt-6-luna", "openai/gpt-6.1-terra", "anthropic/claude-haiku-5-5", "anthropic/claude-sonnet-5-5")
SPREAD = """
UPDATE task_outcome SET
    decided_at_us = 1793491200000000 + (decided_at_us - 1793491200000000) // 100003 * ($days * 86400000000 // $rows),
    finished_at_us = 1793491200000001 + (decided_at_us - 1793491200000000) // 100003 * ($days * 86400000000 // $rows),
    task_type = $types[1 + CAST(hash(decision_id) % $kinds AS INTEGER)],
    arm = $models[1 + CAST(arm[5:] AS INTEGER)],
    model = $models[1 + CAST(arm[5:] AS INTEGER)],
    served_model = $models[1 + CAST(arm[5:] AS INTEGER)],
    experiment = ''
"""
AGAIN = """
UPDATE decision SET recorded_at_us = o.decided_at_us, task_type = o.task_type, arm = o.arm,
    model = o.model, experiment = ''
FROM task_outcome AS o WHERE o.decision_id = decision.decision_id
"""
ATTEMPTS = """
INSERT INTO attempt BY NAME
SELECT 'att_' || decision_id AS event_id, finished_at_us AS recorded_at_us, 'att_' || decision_id AS attempt_id,
       decision_id, 1 AS ordinal, model, provider, 'task' AS purpose, 'completed' AS status, '' AS error_type,
       input_tokens, output_tokens, response_time_us, cost_nano_usd
FROM task_outcome
"""


def main() -> None:
    """Make the log if need be, time report and queries in turns, print one line each."""
    import duckdb  # noqa: PLC0415 - only the benchmark fills a log by hand

    asked = _arguments()
    path = asked.folder / f"reports-{asked.rows}.duckdb"
    if not path.exists():
        making = path.with_suffix(".spread")
        make_log(making, rows=asked.rows, by_task=False)
        with duckdb.connect(str(making)) as connection:
            spread: dict[str, Any] = {"rows": asked.rows, "days": DAYS, "types": list(TYPES), "kinds": len(TYPES)}
            spread["models"] = list(MODELS)
            connection.execute(SPREAD, spread)
            connection.execute(statement("sample_again"))
            connection.execute(AGAIN)
            connection.execute(ATTEMPTS)
            connection.execute("CHECKPOINT")
        making.replace(path)
    report_once(path, [])  # imports, and the file in the system's cache
    best: dict[str, Cost] = {}
    size = 0
    for _ in range(asked.rounds):
        questions: list[tuple[str, dict[str, Any]]] = []
        parts, size = report_once(path, questions)
        for name, cost in {**parts, "bare queries": bare(path, questions)}.items():
            best[name] = min(cost, best.get(name, cost))
    _say(f"daily report on {asked.rows:,} attempts of {DAYS} days: {len(questions)} queries, {size:,} bytes of HTML")
    for name, cost in best.items():
        wall, processor = (part / whole for part, whole in zip(cost, best["bare queries"], strict=True))
        took = f"{cost.wall_s:7.2f} s {wall:6.2f} x"
        _say(f"  {name:<14} {took}   {cost.processor_s:7.2f} s of processor {processor:6.2f} x")


class Cost(NamedTuple):
    """What something took; a busy machine lengthens the first and not the second."""

    wall_s: float
    processor_s: float


class Watch:
    """Both clocks, from its making on."""

    def __init__(self) -> None:
        """Begin."""
        self._began = Cost(perf_counter(), process_time())

    def cost(self) -> Cost:
        """What was taken so far."""
        return Cost(perf_counter() - self._began.wall_s, process_time() - self._began.processor_s)


def report_once(path: Path, questions: list[tuple[str, dict[str, Any]]]) -> tuple[dict[str, Cost], int]:
    """Cost of a whole report and of its parts, and its size; notes every query that it asks."""
    from bizq_lab.lab import Lab  # noqa: PLC0415 - not in a peer's process
    from bizq_lab.reports import periodic_report, render  # noqa: PLC0415
    from bizq_lab.store import reading  # noqa: PLC0415

    ask = reading.ask

    def noting(connection: Any, name: str, params: Mapping[str, Any]) -> dict[str, str]:
        questions.append((name, dict(params)))
        return ask(connection, name, params)

    reading.ask = noting
    try:
        whole = Watch()
        with Lab.open(path, providers="simulated") as lab:
            report = periodic_report(lab, "daily", as_of=AS_OF).report
            answers, drawing = whole.cost(), Watch()
            data = render(report)
            rendering = drawing.cost()
        return {"report": whole.cost(), "  answers": answers, "  rendering": rendering}, len(data)
    finally:
        reading.ask = ask


def bare(path: Path, questions: list[tuple[str, dict[str, Any]]]) -> Cost:
    """Cost of the same queries alone, as the log was known on that day."""
    from bizq_lab.lab.past import end_of_day_us  # noqa: PLC0415
    from bizq_lab.store import Log  # noqa: PLC0415

    with Log.open(path) as log, log.as_of(end_of_day_us(AS_OF)).held() as past:
        watch = Watch()
        for name, params in questions:
            past.query(name, **params)
        return watch.cost()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "bizq-lab-benchmarks")
    return parser.parse_args()


if __name__ == "__main__":
    main()
