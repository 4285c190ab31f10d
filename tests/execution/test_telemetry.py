"""OpenTelemetry: one span a task with its attempts as events, measured by the conventions' names; silent by default."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from bizq_lab.core.execution import TaskResult
from bizq_lab.core.task import Task
from bizq_lab.errors import ProviderError
from bizq_lab.execution.telemetry import CAPTURE_VARIABLE, Telemetry
from tests.support.execution import TASK_TYPE, ListSink, ScriptedProvider, decision, reply, scripted

pytest.importorskip("opentelemetry.sdk", reason="needs the extra: pip install 'bizq-lab[otel]'")
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

PRIVATE = "a prompt that nobody else may read"
DOWN = ProviderError("down: " + PRIVATE, error_class="server_error", response_time_s=1.0)


class Ears:
    """Providers with exporters in memory."""

    def __init__(self) -> None:
        self.spans, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        self.meters = MeterProvider(metric_readers=[self.reader])

    def telemetry(self, **settings: Any) -> Telemetry:
        """Reports to these."""
        return Telemetry(tracer_provider=self.tracers, meter_provider=self.meters, **settings)

    @property
    def span(self) -> ReadableSpan:
        """The only span."""
        (only,) = self.spans.get_finished_spans()
        return only

    def points(self) -> Mapping[str, list[Any]]:
        """Data points by metric."""
        data = self.reader.get_metrics_data()
        metrics = data.resource_metrics[0].scope_metrics[0].metrics if data else ()
        return {metric.name: list(metric.data.data_points) for metric in metrics}


def run(ears: Ears, *steps: Any, content: bool = False) -> TaskResult:
    providers = {"openai": ScriptedProvider(*steps), "anthropic": ScriptedProvider(reply())}
    made = scripted(sink=ListSink(), providers=providers, telemetry=ears.telemetry(content=content))
    task = Task(type=TASK_TYPE, input={"q": PRIVATE}, id="task_1")
    choice = decision("openai/sol", "anthropic/sonnet", task=task)
    return made.execute_with_failover(choice.task, choice, choice.context)


def test_one_span_covers_a_task_and_its_retries_are_events() -> None:
    ears = Ears()
    run(ears, DOWN, DOWN, reply(request_id="req_1", served_model="sol-2026-01-01"))
    span = ears.span
    assert (span.name, span.kind, span.status.status_code) == ("chat sol", SpanKind.CLIENT, StatusCode.UNSET)
    facts = dict(span.attributes or {})
    assert facts["gen_ai.operation.name"] == "chat"
    assert facts["gen_ai.provider.name"] == "openai"
    assert (facts["gen_ai.request.model"], facts["gen_ai.response.model"]) == ("sol", "sol-2026-01-01")
    assert (facts["gen_ai.request.temperature"], facts["gen_ai.request.max_tokens"]) == (0.2, 100)
    assert (facts["gen_ai.usage.input_tokens"], facts["gen_ai.usage.output_tokens"]) == (40, 7)
    assert facts["gen_ai.response.finish_reasons"] == ("stop",)
    assert facts["gen_ai.response.id"] == "req_1"
    assert facts["bizq.task.type"] == TASK_TYPE
    assert "error.type" not in facts
    events = [(event.name, (event.attributes or {}).get("error.type")) for event in span.events]
    assert events == [("bizq.attempt", "server_error"), ("bizq.attempt", "server_error"), ("bizq.attempt", None)]


def test_a_task_that_a_person_takes_over_is_an_error_of_its_class() -> None:
    ears = Ears()
    bad = ProviderError("no", error_class="bad_request")
    assert run(ears, bad).status == "escalated"
    assert ears.span.status.status_code is StatusCode.ERROR
    assert dict(ears.span.attributes or {})["error.type"] == "bad_request"


def test_metrics_are_those_of_the_conventions_and_count_each_call() -> None:
    ears = Ears()
    result = run(ears, DOWN, reply())
    points = ears.points()
    assert set(points) == {
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.client.token.usage",
        "bizq.client.cost",
        "bizq.client.attempts",
    }
    (duration,) = points["gen_ai.client.operation.duration"]
    assert (duration.count, duration.sum) == (1, pytest.approx(result.processing_time))
    used = {point.attributes["gen_ai.token.type"]: point.sum for point in points["gen_ai.client.token.usage"]}
    assert used == {"input": 40, "output": 7}
    ended = {point.attributes.get("error.type"): point.value for point in points["bizq.client.attempts"]}
    assert ended == {"server_error": 1, None: 1}
    assert sum(point.value for point in points["bizq.client.cost"]) == 75_000


@pytest.mark.parametrize("policy", [False, True])
@pytest.mark.parametrize("asked", ["", "false", "true"])
def test_content_is_an_attribute_only_when_policy_and_application_both_say_so(
    monkeypatch: pytest.MonkeyPatch, asked: str, *, policy: bool
) -> None:
    monkeypatch.setenv(CAPTURE_VARIABLE, asked)
    ears = Ears()
    run(ears, DOWN, reply("An answer."), content=policy)
    span = ears.span
    said = repr(dict(span.attributes or {})) + repr([dict(event.attributes or {}) for event in span.events])
    told = policy and asked == "true"
    assert (PRIVATE in said, "An answer." in said) == (told, told)
    assert "down: " not in said  # the text of an error may quote anything


def test_the_span_is_a_child_of_the_callers_even_across_threads() -> None:
    """A synchronous caller's task runs on the background loop, on another thread."""
    ears = Ears()
    with ears.tracers.get_tracer("app").start_as_current_span("request") as request:
        run(ears, reply())
    task = next(span for span in ears.spans.get_finished_spans() if span.name == "chat sol")
    assert task.parent is not None
    assert task.parent.span_id == request.get_span_context().span_id


def test_a_cancelled_task_ends_its_span_with_the_class_alone() -> None:
    ears = Ears()

    async def never(_: object) -> Any:
        await asyncio.Event().wait()

    async def main() -> None:
        made = scripted(providers={"openai": ScriptedProvider(never)}, telemetry=ears.telemetry())
        choice = decision("openai/sol")
        task = asyncio.ensure_future(made.execute(choice, choice.task, choice.context))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert dict(ears.span.attributes or {})["error.type"] == "CancelledError"
    assert [dict(event.attributes or {})["bizq.attempt.status"] for event in ears.span.events] == ["cancelled"]


PROGRAM = """
import sys
from tests.support.execution import ScriptedProvider, decision, reply, scripted
made, choice = scripted(providers={"openai": ScriptedProvider(reply())}), decision("openai/sol")
loaded = "opentelemetry" in sys.modules
made.execute_with_failover(choice.task, choice, choice.context)
assert ("opentelemetry" in sys.modules) is loaded is False, "nobody asked for telemetry"
from opentelemetry import trace
made.execute_with_failover(choice.task, choice, choice.context)  # the API alone is no provider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
kept, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(kept))
trace.set_tracer_provider(provider)
made.execute_with_failover(choice.task, choice, choice.context)
print([span.name for span in kept.get_finished_spans()])
"""


def test_nothing_is_even_imported_until_the_application_configures_a_provider() -> None:
    shown = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stdout.strip()) == (0, "['chat sol']"), shown.stderr
