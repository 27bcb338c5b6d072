"""Every documented shape of an answer costs what its fixture works out by hand, to the nano-dollar."""

from __future__ import annotations

import pytest

from bench.usage.cases import Case, cases


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: f"{case.provider}: {case.name}")
def test_the_price_worked_out_by_hand(case: Case) -> None:
    record = case.charged()
    assert (record.cost_nano, record.estimated, record.unpriced) == (case.expected_nano, False, case.unpriced)
