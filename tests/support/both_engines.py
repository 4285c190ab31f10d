"""A log on which every named query has something to say, and the parameters to ask each with. Asserts nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bizq_lab.store import Log
from tests.support.analysis_log import START_US, TASK_TYPE, Stream
from tests.support.store_events import make_event

HOUR_US = 3_600_000_000
FIRST_DAY_IN, LAST_US = "2026-11-04", START_US + 60 * HOUR_US
# Text that engines may escape, fold, trim or order differently.
HOSTILE = (
    "Ünïcödé",
    "a\x00b",
    "'; DROP TABLE decision; --",
    "\u202eright",
    "🦓🦓",
    'back\\slash "quote"',
    " \ttab\n",
    "A",
    "a",
)
OFFER = [{"arm": "luna", "propensity": 0.3}, {"arm": "terra", "propensity": 0.7}]
DAY = ("task_type", "workspace_id", "experiment", "from_us", "to_us")


def fill(path: Path) -> Log:
    """A log of two days: paired tasks, split traffic, bulk runs, people, judges, experiments, rollouts and alerts."""
    log = Log.open(path)
    stream = Stream(log)
    _paired(stream)
    _split(stream)
    _around(log)
    log.collect()
    return log


def _paired(stream: Stream) -> None:
    for number, text in enumerate(HOSTILE * 2):
        for arm in ("luna", "terra", "default"):
            for repeat in (0, 1):
                decision = stream.decide(
                    arm=arm,
                    task=f"{text}-{number}",
                    repeat=repeat,
                    workspace_id=f"ws {number % 3} {text}",
                    segment=text,
                    policy="experiment",
                    experiment="paired-x",
                    run_id="run-1",
                    run_row=number * 6 + repeat * 3 + len(arm) % 3,
                    run_try=1,
                    task_input={"text": text, "n": [1, 2.5, None]},
                    context={"workspace_id": "ws", "note": text},
                )
                if number == 5:
                    continue
                ok = (number * 7 + len(arm) + repeat) % 3 > 0
                stream.finish(
                    decision,
                    succeeded=ok,
                    quality=None if number % 5 == 0 else (number % 7) / 7,
                    cost_usd=None if number % 11 == 0 else 0.001 * number + 1e-9 * repeat,
                    latency_s=0.37 + number**2 * 0.913,
                    input_tokens=90 + 13 * number,
                    output_tokens=7 * number,
                    timed_out=number == 7,
                    failed_over=number == 8,
                    time_to_first_chunk_us=None if number % 2 else 100_003 + number,
                    served_model="" if number == 3 else f"served {arm}",
                )
                if number % 3 == 0:
                    stream.rate(decision, 1 + (number % 5))


def _split(stream: Stream) -> None:
    for number in range(60):
        own = number - (number % 10 == 3)  # who also takes part in another experiment
        decision = stream.decide(
            arm="luna" if number % 3 else "terra",
            task=f"online-{number}",
            unit=f"unit {HOSTILE[own % 9]} {own % 20}",
            workspace_id=f"ws {number % 20}",
            design="randomised",
            experiment="" if number >= 40 else "split-x" if own == number else "split-y",
            stage="" if number < 40 else "rollout-r/10",
            propensity_ppb=300_000_000 if number % 3 else 700_000_000,
            candidates=[*OFFER, {"arm": "none", "propensity": 0.0}],
            temperature=0.1 + number % 2 * 0.2,
            context={"workspace_id": "ws", "budget": 0.1},
            task_input={"n": number % 4},
        )
        if number != 17:
            stream.finish(decision, succeeded=number % 4 > 0, cost_usd=0.0017 * number, latency_s=0.1 + number / 7)


def _around(log: Log) -> None:
    """What lies around the decisions: calls, human tasks, verdicts, plans, looks, config steps, alerts, runs."""
    decisions = log.query("logged_tasks", task_type=None, before_us=None, before_id=None, page=1000)
    for number, row in enumerate(reversed(decisions)):
        ids = {"decision_id": row["decision_id"], "attempt_id": f"att_{number}"}
        log.append(make_event("attempt_started", **ids, recorded_at_us=LAST_US + number, worst_case_nano_usd=5_000_000))
        log.append(
            make_event(
                "attempt",
                **ids,
                recorded_at_us=LAST_US + number,
                status="completed",
                purpose="task",
                ordinal=1,
                error_type="",
                output=f"answer {HOSTILE[number % 9]}",
                cost_nano_usd=1_000_003 * number,
                flags=["cached"] if number % 4 else [],
            )
        )
        if number % 2:
            log.append(
                make_event(
                    "evaluation",
                    decision_id=row["decision_id"],
                    attempt_id=ids["attempt_id"],
                    evaluation_name="judge",
                    evaluator="judge-1",
                    score_label="scored",
                    score_ppm=1000 * number,
                    recorded_at_us=LAST_US + number,
                )
            )
        if number % 9 == 0:
            log.append(
                make_event(
                    "human_task",
                    human_task_id=f"human {HOSTILE[number % 8]} {number}",
                    decision_id=row["decision_id"],
                    status="done",
                    succeeded=number % 2 == 0,
                    due_at_us=LAST_US + number * 5,
                    recorded_at_us=LAST_US + number,
                )
            )
    for number, text in enumerate(HOSTILE):
        at = {"recorded_at_us": LAST_US + number}
        alert = make_event("alert", message=text, task_type=TASK_TYPE, **at)
        log.append(alert)
        log.append(
            make_event(
                "delivery",
                alert_event_id=alert.event_id,
                channel="hook",
                status="sent" if number == 2 else "failed",
                **at,
            )
        )
        log.append(
            make_event(
                "experiment",
                experiment=f"x{number % 4}",
                task_type=TASK_TYPE,
                status="running",
                plan={"why": text},
                **at,
            )
        )
        log.append(
            make_event("experiment_look", experiment="split-x", look=number // 2, arm=text, detail={"t": text}, **at)
        )
        log.append(make_event("run", run_id=f"run {text}", tasks_sha256=text, **at))
        log.append(
            make_event(
                "config_version", override=text, evidence={"rollout": "r", "reason": text, "percent": 10 + number}, **at
            )
        )
        log.append(
            make_event(
                "feedback",
                decision_id=decisions[number]["decision_id"],
                comment=text,
                rater=text,
                rating_ppm=3_000_000,
                **at,
            )
        )


OPEN = dict.fromkeys(DAY) | {"task_type": TASK_TYPE}
KEYS = {"by_arm": True, "by_model": True, "by_workspace": True, "by_day": True, "served": True}
CELLS = dict.fromkeys(DAY) | KEYS
TOGETHER = dict.fromkeys(KEYS, False)
BY_TEXT = {"coded": False, "task_types": None, "arms": None, "models": None}
BY_PLACE = {"coded": True, "task_types": [TASK_TYPE], "arms": ["luna"], "models": ["openai/luna", "openai/terra"]}
CLUSTERS = OPEN | {"design": "paired", "by_rules": True, "by_segment": True, "grouped": False, "people": True}
RANDOM_GROUPS = {"design": "randomised", "grouped": True}
RATED = OPEN | {"design": "paired", "by_segment": True, "grouped": False}
OFFERS = {"task_type": None, "experiment": None, "from_us": None, "to_us": None}
LOOKED_AT = [{"below": 0, "sampled": False}, {"below": 2048, "sampled": False}, {"below": 4096, "sampled": True}]
PARAMS: dict[str, list[dict[str, Any]]] = {
    "alerts": [{"since_us": 0}],
    "served_ids": [{"to_us": LAST_US}],
    "alerts_due": [{"channel": "hook", "since_us": 0, "rested_us": LAST_US}],
    "arm_calls": [OFFERS],
    "arm_specs": [{}],
    "arm_tokens": [OFFERS],
    "arrivals": [{"experiment": "split-x", "looks_us": [START_US, START_US + 250_000_000, LAST_US]}],
    "baseline": [{"task_type": TASK_TYPE, "from_us": None}],
    "cells": [
        CELLS | BY_TEXT | {"people": True, "groups": "", "by_rules": True, "drawn": "both"},
        CELLS | BY_TEXT | {"people": False, "groups": "few", "by_rules": False, "drawn": "unit"},
        CELLS | BY_TEXT | TOGETHER | {"people": False, "groups": "all", "by_rules": False, "drawn": "task"},
        CELLS | BY_PLACE | {"served": False, "people": False, "groups": "", "by_rules": False, "drawn": "unit"},
    ],
    "clusters": [CLUSTERS, CLUSTERS | RANDOM_GROUPS | {"task_type": None, "by_rules": False, "people": False}],
    "conditions": [OPEN | {"below": 0, "by_setup": True}, OPEN | {"below": 64, "by_setup": False}],
    "cost_change": [{"from_us": None, "to_us": None}],
    "decisions_of_task": [{"task_id": f"{HOSTILE[2]}-2#0"}],
    "experiment_plans": [{"task_type": None, "experiment": None, "to_us": None}],
    "experiments": [{"experiment": None}],
    "durations": [
        CELLS | BY_TEXT | {"design": None, "by_rules": True},
        CELLS | BY_TEXT | TOGETHER | {"design": "paired", "by_rules": False},
        CELLS | BY_PLACE | {"served": False, "design": None, "by_rules": False},
    ],
    "exposures": [
        *(OPEN | looked_at | {"once": False} for looked_at in LOOKED_AT),
        OPEN | LOOKED_AT[-1] | {"once": True},
    ],
    "happenings": [{"from_us": 0, "to_us": LAST_US * 2}],
    "history": [{"as_of_us": LAST_US, "half_life_us": 86_400_000_000 * 30.0}],
    "human_queue": [{"status": None}],
    "human_tasks": [{"human_task_id": None}],
    "imported_events": [{"decision_ids": ["dec_0", "dec_10", HOSTILE[2]]}],
    "judgeable": [{"task_type": None, "evaluator": "judge-1", "page": 50}],
    "judged_and_rated": [{"task_type": None, "evaluator": None}],
    "log_span": [{}],
    "logged_tasks": [{"task_type": None, "before_us": LAST_US, "before_id": "x", "page": 40}],
    "look": [{"experiment": "split-x", "design": "randomised", "as_of_us": LAST_US}],
    "looks": [{"experiment": "split-x"}],
    "offers": [OFFERS | {"by_input": False, "by_unit": False}, OFFERS | {"by_input": True, "by_unit": True}],
    "origins": [{}],
    "overlapping": [
        OFFERS | {"task_type": TASK_TYPE, "experiment": "split-x"} | looked_at for looked_at in LOOKED_AT[:2]
    ],
    "policy_sums": [
        OFFERS | {"by_input": False, "by_unit": False, "batched": True, "paired": True},
        OFFERS | {"by_input": False, "by_unit": True, "batched": True, "paired": False},
        OFFERS | {"by_input": True, "by_unit": True, "batched": False, "paired": True},
        OFFERS | {"by_input": True, "by_unit": False, "batched": False, "paired": False},
    ],
    "purgeable": [{"before_us": LAST_US * 2}],
    "ratings": [{"task_type": TASK_TYPE}],
    "rating_levels": [RATED, RATED | RANDOM_GROUPS | {"design": "paired"}],
    "record_of_decision": [{"decision_id": "dec_0"}],
    "recorded_outcomes": [{}],
    "rollout": [{"task_type": TASK_TYPE, "arm": "luna", "stage": "rollout-", "overdue_us": LAST_US}],
    "rollout_steps": [{"rollout": "r"}],
    "calls_of_decision": [{"decision_id": "dec_0"}],
    "rollouts": [{"rollout": None}, {"rollout": "r"}],
    "run_rows": [{"run_id": "run-1"}],
    "runs": [{}],
    "spending": [{"since_us": 0, "run_id": None}],
    "today": [{"from_us": 0, "to_us": LAST_US}],
    "to_rate": [{"task_type": TASK_TYPE, "rater": "A", "arms": "luna,terra"}],
    "units": [OPEN | {"below": 64, "sampled": True}, OPEN | {"below": 4096, "sampled": False}],
    "workspace_volumes": [{"from_us": None, "to_us": None}],
}
