"""What a question costs: ten million outcomes, each question in a process of its own, beside a bare query and peers.

Run: python -m tests.benchmarks.bench_analysis [--rows 10000000] [--units workspace|task] [--folder FOLDER]
     [--tea-tasting PYTHON] [--pandas PYTHON]

The log is made once, by SQL (`LOG` below), in a folder outside the repository: 4 arms, 4 metrics, 5,000 workspaces as
assignment units, or every task its own. The bare query is what an analyst would write by hand for the same aggregates:
sums of each cluster, their squares and products, and a histogram of durations in the same bins, by arm, or by task
type, arm and model where ours tells those apart; for `off_policy`, the sums of each kind of decision. What ours asks
beyond that (how many units there are, and under which conditions they ran) is in ours alone. `avg/var` is one plain
pass of mean and variance of 4 metrics by arm. A peer's argument is the Python of an environment that has it:

    python -m venv /somewhere/tea && /somewhere/tea/bin/pip install tea-tasting "ibis-framework[duckdb]"
    python -m venv /somewhere/pd && /somewhere/pd/bin/pip install duckdb pandas statsmodels

On a busy machine read the ratios of processor seconds, which waiting does not lengthen, and the median of the turns'
ratios, which no single quiet minute decides. Peers read the same file;
tea-tasting compares means by arm from moments (no clusters), pandas with statsmodels loads the columns and fits one
cluster-robust regression a metric.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

WORKSPACES = 5_000
ROUNDS = 6
ASKED = 4  # times in each process of a turn; the first loads what the others find loaded

LOG = """
INSERT INTO task_outcome BY NAME
WITH drawn AS (
    SELECT i, 'ws-' || (hash(i * 7919) % $workspaces) AS workspace_id, 'task-' || i AS task_key,
           (hash(i) % 1000000) / 1e6 AS u, (hash(i + 1000000007) % 999999 + 1) / 1e6 AS v,
           (hash(i + 5000000029) % 1000000) / 1e6 AS w
    FROM range($rows) AS t(i)
), split AS (
    SELECT *, CASE WHEN $by_task THEN task_key ELSE workspace_id END AS unit FROM drawn
), assigned AS (
    SELECT *, 'arm-' || (hash(unit || 'salt') % 4) AS arm,
           sqrt(-2 * ln(v)) * cos(6.283185307 * w) AS z1, sqrt(-2 * ln(v)) * sin(6.283185307 * w) AS z2
    FROM split
)
SELECT
    'dec_' || lpad(i::VARCHAR, 12, '0') AS decision_id, task_key AS task_id, task_key,
    'order.process_batch' AS task_type, workspace_id, unit, 'standard' AS segment, arm, 'openai/' || arm AS model,
    'openai' AS provider, 'weights' AS policy,
    'randomised' AS design, 'exp' AS experiment, '' AS stage, 0 AS repeat, 250000000 AS propensity_ppb,
    'c0' AS config_hash, 'v0' AS catalog_version, 'p-' || arm AS prompt_version, 'lab' AS origin,
    1793491200000000 + i * 100003 AS decided_at_us,
    CASE WHEN u < 0.92 THEN 'completed' WHEN u < 0.98 THEN 'escalated' ELSE 'failed' END AS status,
    u < 0.92 AS succeeded, CASE WHEN u BETWEEN 0.90 AND 0.93 THEN 'other' ELSE 'served-' || arm END AS served_model,
    1 AS attempts, u BETWEEN 0.90 AND 0.93 AS failed_over, u > 0.99 AS timed_out, '' AS error_type,
    (1e6 * exp(0.8 * z1))::BIGINT AS response_time_us, NULL AS time_to_first_chunk_us,
    100 + i % 900 AS input_tokens, 50 + i % 400 AS output_tokens, (2e6 * exp(0.6 * z2))::BIGINT AS cost_nano_usd,
    CASE WHEN u < 0.98 THEN ((0.5 + 0.5 * v) * 1e6)::BIGINT END AS quality_ppm,
    CASE WHEN u < 0.98 THEN 'checks' ELSE '' END AS quality_source,
    NULL AS rating_ppm, 0 AS ratings, '' AS human_task_id,
    1793491200000001 + i * 100003 AS finished_at_us, NULL AS feedback_at_us,
    (md5_number(unit) & 4095)::INTEGER AS cluster_bucket, (hash(i) & 4095)::INTEGER AS decision_bucket,
    'default' AS prompt, NULL AS temperature, 1000 AS max_tokens, 'offer-' || i % 3 AS offer,
    'arm-0=250000000' || chr(10) || 'arm-1=250000000' || chr(10) || 'arm-2=250000000' || chr(10) || 'arm-3=250000000'
        AS eligible
FROM assigned
"""
# What was offered, looked up by the off-policy question.
DECISIONS = """
INSERT INTO decision BY NAME
SELECT 'evt_' || decision_id AS event_id, decided_at_us AS recorded_at_us, decision_id, task_id, task_key, task_type,
       workspace_id, unit, segment, arm, model, provider, policy, design, experiment, stage, repeat, propensity_ppb,
       config_hash, catalog_version, prompt, max_tokens, prompt_version, origin,
       [{'arm': 'arm-' || n, 'model': 'openai/arm-' || n, 'propensity': 0.25} FOR n IN range(4)]::JSON
           AS candidates,
       json_object('workspace_id', workspace_id, 'kind', offer) AS context
FROM task_outcome
"""

AVG_VAR = """
SELECT arm, count(*), avg(succeeded::INTEGER), var_samp(succeeded::INTEGER), avg(quality_ppm), var_samp(quality_ppm),
       avg(cost_nano_usd), var_samp(cost_nano_usd), avg(response_time_us), var_samp(response_time_us)
FROM task_outcome WHERE task_type = 'order.process_batch' GROUP BY arm
"""

# By hand: sums of each cluster, then squares and products of them by the keys of the answer; and a histogram.
_CLUSTERS = """
WITH c AS (
    SELECT {keys}, {unit} AS unit, count(*) AS decisions, count(*) FILTER (status <> 'pending') AS n,
           count(*) FILTER (succeeded) AS s, sum(quality_ppm) AS q,
           count(CASE WHEN quality_ppm IS NULL AND status NOT IN ('completed', 'pending') THEN 0 ELSE quality_ppm END)
               AS qn, sum(cost_nano_usd) AS c, count(cost_nano_usd) AS cn,
           sum(response_time_us) AS l, count(response_time_us) AS ln,
           {more}
    FROM task_outcome WHERE {only} status <> 'cancelled' GROUP BY ALL
)
SELECT {keys}, count(*), sum(n), sum(s), sum(q), sum(c), sum(l), sum(n*n), sum(s*s), sum(q*q), sum(c*c), sum(l*l),
       sum(n*s), sum(n*q), sum(n*c), sum(n*l), sum(s*q), sum(s*c), sum(s*l), sum(q*c), sum(q*l), sum(c*l), sum(qn*q),
       sum(cn*c), sum(ln*l), {outer}
FROM c GROUP BY ALL
"""
# In bins of at most 1/128 of what is in them; the inner ones lie within them, which is cheaper than one step.
_HISTOGRAM = """
SELECT {keys}, fine & CASE
           WHEN fine < 8192 THEN -32 WHEN fine < 131072 THEN -64 WHEN fine < 2097152 THEN -1024
           WHEN fine < 33554432 THEN -16384 WHEN fine < 536870912 THEN -262144 ELSE -4194304
       END AS bin, sum(n), sum(late)
FROM (
    SELECT {keys}, response_time_us & CASE
               WHEN response_time_us >= 2097152 THEN -16384 WHEN response_time_us >= 131072 THEN -1024 ELSE -32
           END AS fine, count(*) AS n, count(*) FILTER (timed_out AND NOT succeeded) AS late
    FROM task_outcome WHERE {only} status <> 'cancelled' AND response_time_us IS NOT NULL GROUP BY ALL
) GROUP BY ALL
"""
POLICY = [
    """
SELECT segment, offer, arm, model, prompt, temperature, propensity_ppb, cluster_bucket, count(*),
       count(*) FILTER (succeeded), count(quality_ppm), sum(quality_ppm), count(cost_nano_usd), sum(cost_nano_usd),
       count(response_time_us), sum(response_time_us)
FROM task_outcome WHERE task_type = 'order.process_batch' AND design = 'randomised' AND status <> 'pending' GROUP BY ALL
""",
    """
SELECT offer, count(*), min(decision_id), min(unit) FROM task_outcome
WHERE task_type = 'order.process_batch' GROUP BY ALL
""",
]
# Whom an arm met first, for `compare`; what else happened, for the others.
_FIRST, _FIRST_OUTER = "min(decided_at_us) AS d0", "min(d0)"
_MORE = """
           count(*) FILTER (failed_over) AS f, count(*) FILTER (status = 'escalated') AS e,
           count(*) FILTER (timed_out) AS t, count(*) FILTER (design = 'paired') AS p,
           count(time_to_first_chunk_us) AS tn, sum(time_to_first_chunk_us) AS ts, count(rating_ppm) AS rn,
           sum(rating_ppm) AS r, max(decided_at_us) AS d1"""
_OUTER = "sum(f), sum(e), sum(t), sum(p), sum(tn), sum(ts), sum(ts*ts), sum(rn), sum(r), sum(r*r), sum(rn*r), max(d1)"
TEA_TASTING = """
import sys, ibis, tea_tasting as tt
con = ibis.duckdb.connect(sys.argv[1], read_only=True)
t = con.table("task_outcome")
t = t.filter(t.task_type == "order.process_batch").mutate(success=t.succeeded.cast("int64"))
metrics = ("success", "quality_ppm", "cost_nano_usd", "response_time_us")
experiment = tt.Experiment({m: tt.Mean(m) for m in metrics}, variant="arm")
def ask():
    return experiment.analyze(t, control="arm-0", all_variants=True)
"""
PANDAS = """
import sys, duckdb, statsmodels.api as sm
def ask():
    con = duckdb.connect(sys.argv[1], read_only=True)
    frame = con.execute("SELECT arm, unit, succeeded::INTEGER AS s, quality_ppm AS q, cost_nano_usd AS c,"
                        " response_time_us AS l FROM task_outcome WHERE task_type = 'order.process_batch'").df()
    groups = frame["unit"].astype("category").cat.codes.to_numpy()
    x = sm.add_constant((frame["arm"].to_numpy()[:, None] == ["arm-1", "arm-2", "arm-3"]).astype(float))
    found = []
    for name in "sqcl":
        known = frame[name].notna().to_numpy()
        model = sm.OLS(frame[name].to_numpy(float)[known], x[known])
        fit = model.fit(cov_type="cluster", cov_kwds={"groups": groups[known]})
        found.append(fit.conf_int())
    return found
"""
_TIMED = """
import time
taken = []
for _ in range({rounds}):
    begun, worked = time.perf_counter(), time.process_time()
    ask()
    taken.append((time.perf_counter() - begun, time.process_time() - worked))
try:  # of this program alone; ru_maxrss remembers the process that started it
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
except OSError:
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS
print(*map(min, zip(*taken)), peak)
"""
BARE = """
import sys, duckdb
def ask():
    con = duckdb.connect(sys.argv[1], read_only=True)
    con.execute("SET memory_limit = '128MB'")
    for text in {texts!r}:
        con.execute(text).fetchall()
    con.close()
"""
OURS = """
import sys
from bizq_lab.analysis import {question}
from bizq_lab.store import Log
def ask():
    with Log.open(sys.argv[1]) as log:
        {question}(log, {arguments})
"""
# A policy that gives arm-1 and arm-2 one half each, by its weights alone: no model of the outcome is fitted.
OFF_POLICY = """
import sys
import numpy as np
from bizq_lab.analysis.extent import Window
from bizq_lab.analysis.logged_traffic import read_traffic
from bizq_lab.stats.importance import Logged
from bizq_lab.stats.off_policy import snips
from bizq_lab.store import Log
def ask():
    window = Window(task_type="order.process_batch")
    with Log.open(sys.argv[1]) as log:
        (traffic,), _ = read_traffic(log, window, by_input=False, by_unit=False, capped=frozenset())
    target = np.where(np.isin(traffic.arms, ["arm-1", "arm-2"]), 0.5, 0.0)
    decided = traffic.decided
    for name in ("success", "quality", "cost", "latency"):
        snips(Logged.of(traffic.total(name), decided.propensity, target, decided.cluster, decided.size))
"""
SCRIPTS = {
    "compare": OURS.format(question="compare", arguments="task_type='order.process_batch', primary='success'"),
    "performance": OURS.format(question="performance", arguments=""),
    "efficiency": OURS.format(question="efficiency", arguments=""),
    "off_policy": OFF_POLICY,
}


class Cost(NamedTuple):
    """Seconds of the best round by the clock and on all cores, and the process's peak memory."""

    seconds: float
    cpu_s: float
    peak_mb: float

    def over(self, other: Cost) -> str:
        """How many times another's."""
        return f"x{self.seconds / other.seconds:5.2f} (cpu x{self.cpu_s / other.cpu_s:5.2f})"

    def __str__(self) -> str:
        """One line's worth."""
        return f"{self.seconds:8.3f} s {self.cpu_s:7.2f} cpu s {self.peak_mb:5.0f} MB"


def main() -> None:
    """Make the log if need be, measure, print."""
    asked = _arguments()
    path = asked.folder / f"analysis-{asked.units}-{asked.rows}.duckdb"
    if not path.exists():
        make_log(path, rows=asked.rows, by_task=asked.units == "task")
    unit = "unit" if asked.units == "workspace" else "cluster_bucket"
    arms = {"keys": "arm", "only": "task_type = 'order.process_batch' AND"}
    cells = {"keys": "task_type, arm, model", "only": ""}
    table = _CLUSTERS.format(unit=unit, more=_MORE, outer=_OUTER, **cells)
    bare = {
        "compare": [_CLUSTERS.format(unit=unit, more=_FIRST, outer=_FIRST_OUTER, **arms), _HISTOGRAM.format(**arms)],
        "performance": [table, _HISTOGRAM.format(**cells)],
        "efficiency": [table],
        "off_policy": POLICY,
    }
    turns = f"best of {asked.rounds} turns of {ASKED}"
    _say(f"{asked.rows:,} outcomes, 4 arms, unit = {asked.units}; {turns}, opening included")
    plain = measure(sys.executable, BARE.format(texts=[AVG_VAR]), path, asked.rounds)
    _say(f"{'plain avg/var pass':<20}{plain}")
    for question, script in SCRIPTS.items():
        ours, theirs, typical = alternate(script, BARE.format(texts=bare[question]), path, asked.rounds)
        over = f"{ours.over(theirs)} the bare query, median of turns x{typical:5.2f}"
        _say(f"{question:<20}{ours}  {over}; {ours.over(plain)} avg/var")
    for name, python, script in (
        ("tea-tasting", asked.tea_tasting, TEA_TASTING),
        ("pandas+statsmodels", asked.pandas, PANDAS),
    ):
        if python:
            cost = measure(python, script, path, 1)
            _say(f"{name:<20}{cost}  {cost.over(plain)} avg/var")


def make_log(path: Path, *, rows: int, by_task: bool) -> None:
    """A log whose table of outcomes was filled by SQL."""
    import duckdb  # noqa: PLC0415 - a peer's process must not pay for it

    from bizq_lab.store import Log  # noqa: PLC0415
    from bizq_lab.store.statements import statement  # noqa: PLC0415
    from tests.support.store_events import make_event  # noqa: PLC0415

    path.parent.mkdir(parents=True, exist_ok=True)
    unborn = path.with_suffix(".making")
    for old in (unborn, unborn.with_name(f"{unborn.name}.wal")):
        old.unlink(missing_ok=True)
    with Log.open(unborn) as log:
        log.append(make_event("alert"))
        log.collect()
    with duckdb.connect(str(unborn)) as connection:
        connection.execute(LOG, {"rows": rows, "by_task": by_task, "workspaces": WORKSPACES})
        connection.execute(statement("sample_again"))
        connection.execute(DECISIONS)
        connection.execute("CHECKPOINT")
    unborn.replace(path)


def alternate(ours: str, theirs: str, path: Path, rounds: int) -> tuple[Cost, Cost, float]:
    """Ours and theirs in turns, so that a busy moment hits both: the best of each, and the median of a turn's ratio."""
    costs: list[list[Cost]] = [[], []]
    for _ in range(rounds):
        for found, script in zip(costs, (ours, theirs), strict=True):
            found.append(measure(sys.executable, script, path, ASKED))
    first, second = (
        Cost(min(c.seconds for c in found), min(c.cpu_s for c in found), max(c.peak_mb for c in found))
        for found in costs
    )
    return first, second, median(own.seconds / other.seconds for own, other in zip(*costs, strict=True))


def measure(python: str, script: str, path: Path, rounds: int) -> Cost:
    """A script in a process of its own; it defines `ask`."""
    code = script + _TIMED.format(rounds=rounds)
    done = subprocess.run([python, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return Cost(*map(float, done.stdout.split()[-3:]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--units", choices=("workspace", "task"), default="workspace")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "bizq-lab-bench")
    parser.add_argument(
        "--tea-tasting", default="", help="Python of an environment with tea-tasting and ibis for DuckDB"
    )
    parser.add_argument("--pandas", default="", help="Python of an environment with duckdb, pandas and statsmodels")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
