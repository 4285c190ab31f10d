"""Secrets of every shape are gone before a message is shortened or stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.execution.redact import MAX_MESSAGE_CHARS, redact

PLANTED = "Zk9Qw8Er7Ty6Ui5Op4As3Df2"
SHAPES = [
    f"sk-{PLANTED}",
    f"sk-proj-{PLANTED}",
    f"sk-ant-api03-{PLANTED}",
    f"Bearer {PLANTED}",
    f"https://user:{PLANTED}@proxy.example/v1",
    f"https://{PLANTED}@proxy.example/v1",
    f"https://hooks.slack.example/services/T000/B000/{PLANTED}",
    f"x-api-key: {PLANTED}",
    f"'Authorization': 'Basic {PLANTED}'",
    f'{{"api_key": "{PLANTED}"}}',
]


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_of_secret_is_replaced(shape: str) -> None:
    assert PLANTED not in redact(f"failed with {shape} at noon")


@given(st.text(max_size=700), st.sampled_from(SHAPES), st.text(max_size=200))
def test_no_cut_hides_a_key_from_its_pattern(before: str, shape: str, after: str) -> None:
    shown = redact(f"{before} {shape} {after}")
    assert PLANTED[:12] not in shown
    assert len(shown) <= MAX_MESSAGE_CHARS


def test_ordinary_text_stays_as_it_is() -> None:
    assert redact("`temperature` is not supported with this model") == "`temperature` is not supported with this model"
