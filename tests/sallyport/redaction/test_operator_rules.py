"""Operators' own rules: what they find, what makes one wrong, and that no input stalls them."""

import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sallyport.redaction.detector import Haystack
from sallyport.redaction.operator_rules import OperatorRule, load_rules
from sallyport.redaction.rule_declaration import RuleDeclaration
from sallyport.redaction.scan import scan

TICKET = RuleDeclaration(regex=r"\bACME-[0-9]{8}\b")


@pytest.fixture
def rules() -> Iterator[None]:
    load_rules({"ACME_TICKET": TICKET, "BADGE": RuleDeclaration(regex=r"badge (?P<value>\d{5})")})
    yield
    load_rules({})


@pytest.mark.usefixtures("rules")
def test_a_rule_takes_out_its_value_under_its_category() -> None:
    text = "é: ACME-12345678 has badge 54321, ACME-1234 has none"
    assert [(found.category, text[found.start : found.end]) for found in scan(text, pii=False, secrets=True)] == [
        ("ACME_TICKET", "ACME-12345678"),
        ("BADGE", "54321"),
    ]
    assert scan(text, pii=True, secrets=False) == []


@pytest.mark.usefixtures("rules")
def test_long_texts_are_read_in_slices_and_nothing_is_lost_between() -> None:
    text = "".join(f"{'word ' * 1_571}ACME-{number:08d} " for number in range(60))
    assert len(scan(text, pii=False, secrets=True)) == 60


def values(rule: RuleDeclaration, text: str) -> list[str]:
    return [text[found.start : found.end] for found in OperatorRule("X", rule).find(Haystack(text))]


def test_keywords_must_stand_near() -> None:
    rule = RuleDeclaration(regex=r"\d{6}", keywords=("Staff number",))
    assert values(rule, "STAFF NUMBER: 123456") == ["123456"]
    assert values(rule, "order 123456") == []
    assert values(rule, "staff number" + " " * 500 + "123456") == []


@pytest.mark.parametrize(
    ("validator", "regex", "right", "wrong"),
    [
        ("luhn", r"\b(?:\d{4} ?){4}\b", "4111 1111 1111 1111", "4111 1111 1111 1112"),
        ("iban", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b", "GB33 BUKB 2020 1555 5555", "GB34 BUKB 2020 1555 5555"),
        ("entropy", r"\b\w{20}\b", "aB3dE5fG7hJ9kL1mN0pQ", "aaaaaaaaaabbbbbbbbbb"),
    ],
)
def test_validators_have_the_last_word(validator: str, regex: str, right: str, wrong: str) -> None:
    rule = RuleDeclaration.model_validate({"regex": regex, "validator": validator})
    assert values(rule, f"{right}, {wrong}") == [right]


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        ("(", "is not a regular expression that RE2 takes"),
        (r"(?<=a)b", "no look-around"),
        (r"a*", "matches an empty text"),
        (r"(?s)\w.{990}\x00|[\w,].{990}\x01|\w.{980}\x02", "is too slow"),
    ],
)
def test_a_wrong_rule_is_refused_with_the_reason(regex: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RuleDeclaration(regex=regex)


def test_a_text_that_makes_a_rule_slow_is_withheld_in_time() -> None:
    rule = RuleDeclaration(regex=r"Q[QW]*Q[QW]{200}!")  # fast on what is usual
    text = "before " + "".join(random.Random(1).choices("QW", k=400_000))  # noqa: S311 - the same each time
    began = time.thread_time()
    ((start, end, category),) = OperatorRule("X", rule).find(Haystack(text))
    assert time.thread_time() - began < 5
    assert (end, category) == (len(text), "X")
    assert start > len("before ")


@given(st.text(alphabet=st.characters(), max_size=200))
def test_no_text_breaks_a_rule(text: str) -> None:
    for found in OperatorRule("X", RuleDeclaration(regex=r"[^ ]{3}")).find(Haystack(text)):
        assert 0 <= found.start < found.end <= len(text)
