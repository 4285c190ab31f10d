"""S16: input tokens by stated ratios for each script, calibrated by what the log saw of prompts of the same kind."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizq_lab.core.decision import CostEstimate
from bizq_lab.core.snapshot import Evidence, History, Snapshot
from bizq_lab.core.task import RoutingContext, Task
from bizq_lab.routing import AITaskRouter, CostCalculator
from bizq_lab.routing.outlook import CONFIDENCE_N, INPUT_BAND, MIN_CELL_N, input_tokens
from bizq_lab.routing.tokens import count_tokens
from tests.support.routing_catalog import catalog

MODEL = "openai/medium"
TASK = Task(type="work.write", input={"topic": "headphones " * 100}, id="t1")
CONTEXT = RoutingContext(workspace_id="ws_1")
# What `chars / 4` is off by on samples of o200k, as measured: true tokens = (chars / 4) / (1 + error).
ERRORS_OF_QUARTER = {"English": 0.54, "German": 0.26, "Python": -0.09, "JSON": -0.20}
QUANTILES = st.lists(st.integers(1, 100_000), min_size=3, max_size=3).map(lambda values: tuple(sorted(values)))


def knowing(n: float, quantiles: tuple[int, int, int] | None, task_type: str = "work.write") -> Snapshot:
    seen = History(n=round(n), successes=round(n), effective_n=n, input_tokens=quantiles)
    return Snapshot(id="s", evidence=Evidence(version="1", history={(task_type, "", MODEL): seen}))


def estimated(snapshot: Snapshot, context: RoutingContext = CONTEXT) -> CostEstimate:
    decision = AITaskRouter(catalog()).route_task(TASK, context, snapshot=snapshot, arm=MODEL)
    return decision.estimate


@pytest.mark.parametrize("script", ERRORS_OF_QUARTER)
def test_s16_the_stated_band_holds_every_measured_sample_of_letters(script: str) -> None:
    true = 1 / (1 + ERRORS_OF_QUARTER[script])
    assert INPUT_BAND[0] - 0.001 <= true <= INPUT_BAND[1]


@pytest.mark.parametrize(("text", "error"), [("0123456789" * 40, -0.48), ("東京都" * 100, -0.62)])
def test_s16_digits_and_ideographs_have_the_ratio_that_was_measured(text: str, error: float) -> None:
    true = len(text) / 4 / (1 + error)
    assert count_tokens(text) == pytest.approx(true, rel=0.05)


def test_s16_the_logs_quantiles_calibrate_what_was_counted() -> None:
    counted = estimated(Snapshot()).input_tokens
    seen = (round(0.8 * counted), round(0.9 * counted), round(1.1 * counted))
    known = estimated(knowing(60, seen))
    assert known.input_tokens == seen[1]
    assert known.low is not None
    assert known.high is not None
    plain = estimated(Snapshot())
    assert plain.low is not None
    assert plain.high is not None
    assert known.high - known.low < plain.high - plain.low


@pytest.mark.parametrize(
    "snapshot",
    [knowing(MIN_CELL_N - 1, (200, 300, 400)), knowing(60, None), knowing(60, (200, 300, 400), "work.batch")],
    ids=["too few", "not logged", "another task type"],
)
def test_s16_thin_or_foreign_data_calibrates_nothing(snapshot: Snapshot) -> None:
    assert estimated(snapshot).input_tokens == estimated(Snapshot()).input_tokens


def test_s16_what_the_caller_states_is_taken_as_stated() -> None:
    context = RoutingContext(workspace_id="ws_1", estimated_tokens=777)
    assert estimated(knowing(60, (200, 300, 400)), context).input_tokens == 777


@pytest.mark.parametrize("n", [0.0, 5.0, 60.0, 10_000.0])
def test_s16_confidence_is_the_share_that_effective_data_backs(n: float) -> None:
    assert estimated(knowing(n, (200, 300, 400))).confidence == pytest.approx(n / (n + CONFIDENCE_N))


def test_s16_calculator_and_router_calibrate_alike() -> None:
    snapshot = knowing(60, (200, 280, 400))
    decision = AITaskRouter(catalog()).route_task(TASK, CONTEXT, snapshot=snapshot)
    calculator = CostCalculator(catalog(), snapshot.evidence)
    assert calculator.estimate_task_cost(TASK, decision, CONTEXT) == decision.estimate
    (row,) = [candidate for candidate in decision.candidates if candidate.model == decision.config.key]
    assert row.cost_usd == pytest.approx(decision.estimate.estimated_cost)


def test_s16_a_task_far_larger_than_any_logged_is_taken_as_counted() -> None:
    """Else a budget would be kept for the small tasks of the log, and overspent by this one."""
    assert estimated(knowing(60, (1, 2, 3))) == estimated(knowing(60, None))


def test_s16_a_tokenizer_that_the_caller_brings_counts_instead_of_the_ratios() -> None:
    def words(text: str) -> int:
        return len(text.split())

    router = AITaskRouter(catalog(), tokenizer=words)
    decision = router.route_task(TASK, CONTEXT)
    short = router.route_task(TASK.model_copy(update={"input": {"topic": "headphones"}}), CONTEXT)
    assert decision.estimate.input_tokens - short.estimate.input_tokens == 99
    assert CostCalculator(catalog(), tokenizer=words).estimate_task_cost(TASK, decision, CONTEXT) == decision.estimate
    assert AITaskRouter(catalog()).route_task(TASK, CONTEXT).estimate.input_tokens > decision.estimate.input_tokens


@settings(max_examples=500)
@given(QUANTILES, st.floats(1, 200_000), st.floats(1, 200_000))
def test_s16_a_longer_prompt_is_never_expected_to_be_smaller(quantiles: Any, one: float, other: float) -> None:
    small, large = sorted((one, other))
    for fewer, more in zip(input_tokens(small, quantiles), input_tokens(large, quantiles), strict=True):
        assert fewer <= more + 1e-9


@settings(max_examples=500)
@given(QUANTILES, st.floats(1, 200_000))
def test_s16_low_expected_and_high_are_in_order_and_within_the_band(quantiles: Any, counted: float) -> None:
    low, mid, high = input_tokens(counted, quantiles)
    assert INPUT_BAND[0] * counted <= low <= mid <= high <= INPUT_BAND[1] * counted
    assert high >= counted
