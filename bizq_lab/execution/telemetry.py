"""OpenTelemetry spans and metrics of tasks, by the GenAI conventions. Knows the API alone, never an SDK or exporter.

One span covers a task with all its retries, as the conventions ask of whoever retries by itself; each attempt is an
event of that span, for a child span each would count its tokens twice. Names are those of semantic-conventions 0.66b2;
what the conventions do not name is under `bizq.`. No prompt, no output, no error text and no key is an attribute,
unless the payload policy is `full` and OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT says `true`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from bizq_lab.execution.spans import Instruments, Watch, request_facts

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from bizq_lab.execution.job import Job

SCOPE = "bizq_lab"
CAPTURE_VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(float(4**power) for power in range(14))


class Telemetry:
    """Reports tasks to whatever the application configured; to nobody, at no cost, when it configured nothing.

    Args:
        tracer_provider: Where spans go; None takes the global one, once an application has set it.
        meter_provider: The same for metrics.
        stream: Whether calls are streamed.
        content: Whether the payload policy allows prompts and outputs to be kept.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        stream: bool = True,
        content: bool = False,
    ) -> None:
        """Remember; nothing is imported yet."""
        self._tracers, self._meters, self._stream, self._content = tracer_provider, meter_provider, stream, content
        self._made: WeakKeyDictionary[Any, Instruments] = WeakKeyDictionary()

    @contextmanager
    def task(self, job: Job) -> Iterator[Watch | None]:
        """Watch one task; None when nobody listens."""
        tracers, meters = self._tracers or _configured("trace"), self._meters or _configured("metrics")
        if tracers is None and meters is None:
            yield None
            return
        from opentelemetry import trace  # noqa: PLC0415 - there when an application uses it, and only then needed

        tracer = (tracers or trace.NoOpTracerProvider()).get_tracer(SCOPE)
        captured = self._content and os.environ.get(CAPTURE_VARIABLE, "").lower() == "true"
        with tracer.start_as_current_span(
            f"chat {job.decision.config.api_model}",
            kind=trace.SpanKind.CLIENT,
            attributes=request_facts(job, stream=self._stream),
            record_exception=False,  # its text may quote what it was given
            set_status_on_exception=False,
        ) as span:
            watch = Watch(span, job, None if meters is None else self._instruments(meters), captured)
            try:
                yield watch
            except BaseException as error:
                watch.failed(type(error).__name__)
                raise

    def _instruments(self, provider: MeterProvider) -> Instruments:
        made = self._made.get(provider)
        if made is None:
            meter = provider.get_meter(SCOPE)
            duration = "GenAI operation duration."
            first = "Time to receive the first chunk."
            tokens = "Number of input and output tokens used."
            made = self._made[provider] = Instruments(
                duration=meter.create_histogram(
                    "gen_ai.client.operation.duration", "s", duration, explicit_bucket_boundaries_advisory=_SECONDS
                ),
                first_chunk=meter.create_histogram(
                    "gen_ai.client.operation.time_to_first_chunk",
                    "s",
                    first,
                    explicit_bucket_boundaries_advisory=_SECONDS,
                ),
                tokens=meter.create_histogram(
                    "gen_ai.client.token.usage", "{token}", tokens, explicit_bucket_boundaries_advisory=_TOKENS
                ),
                cost=meter.create_counter("bizq.client.cost", "{nano_usd}", "Cost of all attempts, in nano-USD."),
                attempts=meter.create_counter("bizq.client.attempts", "{attempt}", "Calls, by how they ended."),
            )
        return made


def _configured(signal: str) -> Any:
    """The global provider of spans or metrics, or None while it is still the API's own, which keeps nothing."""
    api = sys.modules.get(f"opentelemetry.{signal}")
    if api is None:  # nobody has even imported it
        return None
    provider = api.get_tracer_provider() if signal == "trace" else api.get_meter_provider()
    return None if type(provider).__module__.startswith(f"opentelemetry.{signal}") else provider
