"""What a call costs, exactly, and never as zero when nobody knows."""

from hypothesis import given
from hypothesis import strategies as st

from bizq_lab.core.model import ModelConfig, Price, Reason

tokens = st.integers(min_value=0, max_value=2_000_000)
prices = st.integers(min_value=0, max_value=200 * 10**9)


@given(tokens, tokens, prices, prices)
def test_s18_a_cost_never_undercounts_and_is_within_a_nano_dollar(
    inputs: int, outputs: int, price_in: int, price_out: int
) -> None:
    cost = Price(input_nano_usd_per_mtok=price_in, output_nano_usd_per_mtok=price_out).cost_nano_usd(inputs, outputs)
    exact = inputs * price_in + outputs * price_out
    assert cost is not None
    assert exact <= cost * 10**6 < exact + 10**6


@given(tokens, tokens, tokens, prices)
def test_cost_is_monotone_in_tokens(fewer: int, more: int, outputs: int, price: int) -> None:
    book = Price(input_nano_usd_per_mtok=price, output_nano_usd_per_mtok=2 * price)
    low, high = sorted((fewer, more))
    assert (book.cost_nano_usd(low, outputs) or 0) <= (book.cost_nano_usd(high, outputs) or 0)


def test_s4_an_unknown_price_costs_none_never_zero() -> None:
    assert Price().cost_nano_usd(10, 10) is None
    assert Price(input_nano_usd_per_mtok=5).cost_nano_usd(10, 10) is None
    assert not Price().known


def test_cached_tokens_are_charged_at_their_own_price() -> None:
    book = Price(input_nano_usd_per_mtok=10**9, output_nano_usd_per_mtok=0, cached_input_nano_usd_per_mtok=10**8)
    assert book.cost_nano_usd(1_000_000, 0, cached_input_tokens=500_000) == 550_000_000


def test_s3_a_local_model_costs_measured_core_seconds() -> None:
    assert Price(core_second_nano_usd=11_111).cost_nano_usd(100, 100, core_seconds=2.0) == 22_222


def test_s4_the_specifications_cost_per_token_is_the_input_price_alone() -> None:
    config = _config(Price(input_nano_usd_per_mtok=15 * 10**9, output_nano_usd_per_mtok=75 * 10**9))
    assert config.cost_per_token == 0.000015


def test_s6_reasoning_is_rendered_from_the_reasons_it_has_now() -> None:
    config = _config(Price()).because(Reason("base"), max_tokens=10)
    changed = config.because(Reason("max_tokens_capped", value=1000, limit=1000, unit="tokens"))
    assert config.reasoning == "base"
    assert changed.reasoning == "base; max_tokens_capped (1000, limit 1000 tokens)"
    assert changed.max_tokens == 10


def _config(price: Price) -> ModelConfig:
    return ModelConfig(
        provider="p",
        model="m",
        api_model="m",
        temperature=None,
        max_tokens=5,
        speed_tier="fast",
        tier="economy",
        price=price,
    )
