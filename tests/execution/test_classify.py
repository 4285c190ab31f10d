"""One classifier: total, telling, and silent about secrets."""

from __future__ import annotations

import json
import pickle
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.errors import EngineMissing, MissingKey, ProviderError
from bizq_lab.execution.classify import classify, classify_response
from bizq_lab.execution.error_table import ERROR_TABLE, action_for

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
BODIES = (
    JSON
    | st.binary(max_size=40)
    | st.fixed_dictionaries({"error": st.dictionaries(st.sampled_from(["code", "type", "message"]), JSON)})
)


class StatusError(Exception):
    """What both SDKs raise, in outline."""

    def __init__(self, status: int | None, body: object = None) -> None:
        super().__init__(f"Error code: {status} - {body}")
        self.status_code, self.body, self.request_id = status, body, "req_1"


@given(st.none() | st.integers(-1, 1000), BODIES, st.text(max_size=50))
def test_any_status_with_any_body_has_exactly_one_class(status: int | None, body: object, text: str) -> None:
    assert classify_response(status, body, text) in ERROR_TABLE


@given(st.none() | st.integers(-1, 1000), BODIES)
def test_any_exception_becomes_one_short_error_of_one_class(status: int | None, body: object) -> None:
    error = classify(StatusError(status, body))
    assert error.error_class in ERROR_TABLE
    assert len(error.message) <= 500


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ssl.SSLCertVerificationError("self-signed"), "tls"),
        (socket.gaierror(-2, "unknown"), "dns"),
        (ConnectionRefusedError("no"), "refused"),
        (ConnectionResetError("gone"), "reset"),
        (TimeoutError(), "timeout_read"),
        (json.JSONDecodeError("bad", "", 0), "malformed"),
        (ZeroDivisionError("bug"), "unexpected"),
        (MissingKey("no key"), "missing_key"),
        (EngineMissing("no engine"), "engine_missing"),
    ],
)
def test_bare_exceptions_have_their_class(error: Exception, expected: str) -> None:
    assert classify(error).error_class == expected


def test_the_most_telling_cause_wins_over_the_wrapper() -> None:
    """An SDK says "Connection error."; the refused socket is two causes down."""
    wrapper, middle = RuntimeError("Connection error."), ConnectionError("attempt failed")
    wrapper.__cause__, middle.__cause__ = middle, ConnectionRefusedError("[Errno 111] refused")
    found = classify(wrapper)
    assert (found.error_class, found.message) == ("refused", "[Errno 111] refused")


def test_a_cycle_of_causes_ends() -> None:
    one, two = RuntimeError("one"), RuntimeError("two")
    one.__context__, two.__context__ = two, one
    assert classify(one).error_class == "unexpected"


def test_a_stream_that_had_begun_to_answer_broke_off_and_may_be_billed() -> None:
    error = StatusError(200, {"error": {"type": "overloaded_error", "message": "busy"}})
    assert classify(error).error_class == "overloaded"
    assert action_for(classify(error, partial_text="Half an").error_class).billed == "maybe"


def test_a_classified_error_holds_no_trace_of_the_request() -> None:
    error = classify(StatusError(401, {"error": {"message": "Incorrect API key provided: sk-proj-abcdef123456"}}))
    assert "abcdef" not in repr(vars(error)) + str(error)
    assert b"abcdef" not in pickle.dumps(error)
    assert error.__cause__ is error.__context__ is None


def test_an_error_that_already_has_a_class_keeps_it() -> None:
    error = ProviderError("x", error_class="rate_limit", retry_after_s=3)
    assert classify(error) is error


def test_every_row_that_reached_the_provider_says_who_may_have_paid() -> None:
    """Retried at once only where nothing, or little, can have been billed twice."""
    assert all(row.retries <= 2 for row in ERROR_TABLE.values())
    assert all(
        row.retries <= 1 for row in ERROR_TABLE.values() if row.billed == "maybe" and row.name != "gateway_timeout"
    )
    assert all(row.retries == 0 for row in ERROR_TABLE.values() if row.surface)
    assert action_for("a class of a plug-in").name == "unexpected"
