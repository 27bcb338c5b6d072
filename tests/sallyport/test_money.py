from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.money import nano_to_usd, usd_to_nano


@given(st.integers(-(10**18), 10**18))
def test_nano_dollars_survive_the_way_there_and_back(nano: int):
    assert usd_to_nano(nano_to_usd(nano)) == nano


@given(st.integers(-(10**18), 10**18))
def test_the_string_is_the_exact_amount(nano: int):
    assert Decimal(nano_to_usd(nano)) == Decimal(nano).scaleb(-9)
    assert "e" not in nano_to_usd(nano).lower()


@pytest.mark.parametrize(("usd", "nano"), [("1.5", 1_500_000_000), (0.1, 100_000_000), (3, 3_000_000_000), ("0.0000000005", 1)])
def test_dollars_in_every_spelling(usd: str | float, nano: int):
    assert usd_to_nano(usd) == nano


@pytest.mark.parametrize("wrong", ["", "x", "nan", "inf", "-inf", "1,5"])
def test_what_is_no_amount_is_refused(wrong: str):
    with pytest.raises(ValueError, match="dollars"):
        usd_to_nano(wrong)
