"""One tree of errors: each says what, the value, and what to do, and survives a process boundary."""

import pickle

import pytest

from bizq_lab import errors
from bizq_lab.errors import BizqLabError, NoFeasibleModel, ProviderError, UnknownModel

ALL = sorted(
    (item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, BizqLabError)),
    key=lambda item: item.__name__,
)


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_error_stands_in_the_tree_on_top_of_the_file(error: type[BizqLabError]) -> None:
    assert error.__name__.startswith("_") or error.__name__ in (errors.__doc__ or "")
    assert error.__doc__


def test_an_unknown_name_comes_with_near_ones() -> None:
    error = UnknownModel.among("gpt-6-lunar", ["openai/gpt-6-luna", "anthropic/claude-opus-5-5"])
    assert "gpt-6-lunar" in str(error)
    assert "Hint: did you mean 'openai/gpt-6-luna'?" in str(error)


def test_infeasible_routing_says_why_for_each_candidate() -> None:
    error = NoFeasibleModel.for_task(
        "order.process_batch", [("a/b", "cost 0.3 USD > 0.1"), ("c/long-name", "open circuit")]
    )
    assert str(error).splitlines()[1:3] == ["  a/b          cost 0.3 USD > 0.1", "  c/long-name  open circuit"]


@pytest.mark.parametrize(
    "error",
    [
        UnknownModel.among("x", ["y"]),
        NoFeasibleModel.for_task("t", [("a", "b")]),
        ProviderError("refused", error_class="auth", status=401),
        BizqLabError("plain", hint="do this"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_survives_pickling_with_all_it_carries(error: BizqLabError) -> None:
    """Worker processes send their errors home."""
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert back.__dict__ == error.__dict__
