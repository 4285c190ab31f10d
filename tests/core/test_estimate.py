"""An estimate is honest about itself or is not made at all."""

import math

import pytest

from bizq_lab.core.estimate import Estimate
from bizq_lab.errors import InputError


@pytest.mark.parametrize(("value", "lower", "upper"), [(math.nan, 0, 1), (0.5, math.nan, 1), (2, 0, 1), (-1, 0, 1)])
def test_an_estimate_is_never_nan_and_never_outside_its_interval(value: float, lower: float, upper: float) -> None:
    with pytest.raises(InputError):
        Estimate(value=value, lower=lower, upper=upper)


def test_an_estimate_reads_as_a_person_would_write_it() -> None:
    assert str(Estimate(value=0.5, lower=0.402, upper=0.598, unit="success")) == "0.500 [0.402, 0.598] success"
    assert str(Estimate(value=0.0042, lower=0.004, upper=0.0044, unit="usd")) == "$0.0042 [$0.0040, $0.0044]"
    assert str(Estimate(value=1.25, lower=-math.inf, upper=math.inf, unit="s")) == "1.25 s [-∞, ∞]"


def test_only_an_interval_on_one_side_of_zero_excludes_it() -> None:
    assert Estimate(value=1, lower=0.1, upper=2).excludes_zero
    assert not Estimate(value=1, lower=0.0, upper=2).excludes_zero
