"""A file of rows that a spreadsheet shows and never runs."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.csv_text import csv_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_no_text_of_others_is_a_formula(text: str) -> None:
    assert next(csv.reader(io.StringIO(csv_text(["x"], [{"x": text}]).split("\r\n", 1)[1], newline=""))) == [f"'{text}"]


def test_numbers_stay_numbers_and_what_is_not_there_is_empty() -> None:
    assert csv_text(("a", "b", "c"), [{"a": -1, "b": None}]) == "a,b,c\r\n-1,,\r\n"


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    _, row = csv.reader(io.StringIO(csv_text(["x", "y"], [{"x": text, "y": 1}]), newline=""))
    assert row[0] in (text, f"'{text}")
