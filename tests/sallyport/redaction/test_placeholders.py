"""Placeholders are the same for the same value, and pass through unchanged."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.redaction import placeholders
from sallyport.redaction.finding import Finding, merge
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.scan import scan

KEY = b"k" * 32


def test_has_the_agreed_form() -> None:
    text = placeholders.placeholder(KEY, "US_SSN", "123-45-6789")
    assert re.fullmatch(r"\[SAFE_TO_USE:US_SSN_[0-9A-Za-z]{8}\]", text)


@given(st.text(), st.text())
def test_same_value_same_placeholder_and_only_then(one: str, other: str) -> None:
    first, second = (placeholders.placeholder(KEY, "SECRET", value) for value in (one, other))
    assert (first == second) == (one == other)


def test_another_workspace_or_category_has_others() -> None:
    one = placeholders.placeholder(KEY, "PERSON", "Ada Lovelace")
    assert one != placeholders.placeholder(b"other", "PERSON", "Ada Lovelace")
    assert one[-9:] != placeholders.placeholder(KEY, "LOCATION", "Ada Lovelace")[-9:]


@pytest.mark.parametrize(
    ("category", "one", "other"),
    [
        ("PERSON", "Ada Lovelace", "ADA  lovelace"),
        ("PERSON", "Ada Lovelace", "Ada\nLovelace"),
        ("EMAIL", "Ada@Example.com", "ada@example.com"),
        ("US_PHONE_NUMBER", "(415) 555-2671", "+1 415.555.2671"),
        ("US_SSN", "123-45-6789", "123456789"),
    ],
)
def test_spellings_of_one_value_share_it(category: str, one: str, other: str) -> None:
    assert placeholders.placeholder(KEY, category, one) == placeholders.placeholder(KEY, category, other)


def test_secrets_differ_in_case() -> None:
    assert placeholders.placeholder(KEY, "SECRET", "abc") != placeholders.placeholder(KEY, "SECRET", "ABC")


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.sampled_from("AB")), max_size=12), st.integers(0, 12))
def test_merged_findings_never_overlap(rows: list[tuple[int, int, str]], cut: int) -> None:
    findings = [Finding(min(a, b), max(a, b), category) for a, b, category in rows]
    merged = merge(findings[:cut], findings[cut:])
    assert all(one.end <= other.start for one, other in pairwise(merged))
    assert all(finding.start < finding.end for finding in merged)
    assert {(f.start, f.end) for f in merge(findings[:cut])} <= {(f.start, f.end) for f in merged}


@given(st.text(max_size=40), st.sampled_from(["PERSON", "US_SSN", "PRIVATE_KEY"]), st.text(max_size=40))
def test_placeholders_in_a_text_are_never_touched(before: str, category: str, after: str) -> None:
    for frame in ("{}", "password={};", "Authorization: Bearer {}", "postgres://u:{}@host", "ssn {}"):
        inside = placeholders.placeholder(KEY, category, before)
        text = before + frame.format(inside) + after
        assert inside in Placeholders(KEY).replace(text, scan(text, pii=True, secrets=True))
