"""A token that is cut in parts, escaped or in base64 goes as a whole."""

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.redaction.detector import Haystack
from sallyport.redaction.joined import Joined
from sallyport.redaction.secrets import find_secrets
from tests.sallyport.redaction.samples import TOKENS

CUTS = {
    "concatenated": '" + "',
    "concatenated over lines": "' +\n        '",
    "in PHP": "' . '",
    "in SQL": "' || '",
    "literals side by side": '"\n    "',
    "in JSON": '\\" +\\n  \\"',
    "a line that goes on": "\\\n    ",
    "a window's width": "\n",
    "a zero-width space": "\u200b",
}
KINDS = ["github classic", "npm", "anthropic"]


def only(text: str) -> tuple[str, str]:
    (finding,) = find_secrets(Haystack(text))
    return finding.category, text[finding.start : finding.end]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_token_in_two_parts_is_one(kind: str, cut: str) -> None:
    category, make = TOKENS[kind]
    token = make()
    whole = token[:18] + CUTS[cut] + token[18:]
    assert only(f'key = "{whole}"\n') == (category, whole)


def test_what_stands_after_a_whole_token_is_not_taken_for_its_rest() -> None:
    category, make = TOKENS["github classic"]
    token = make()
    assert only(f'a = "{token}"\nb = "c"') == (category, token)
    assert only(f"{token}\nnext") == (category, token)


def test_escapes_within_a_token_are_part_of_it() -> None:
    token = "ABSK" + ("aB3" * 7 + "/") * 5 + "c4"
    for written in (urllib.parse.quote(token, safe=""), token.replace("/", "\\/"), token.replace("/", "\\u002f")):
        assert only(f"k={written}&b=1") == ("AWS_BEARER_TOKEN_BEDROCK", written)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("form", ["{}", "user:{}", "{}\n", "A=1\nKEY={}\nB=2\n"])
def test_base64_of_a_secret_goes(encode: type, form: str) -> None:
    category, make = TOKENS["anthropic"]
    encoded = encode(form.format(make()).encode()).decode()
    assert only(f"data:\n  key: {encoded}\n  other: x") == (category, encoded)
    assert only(json.dumps({"data": encoded})) == (category, encoded)


def test_base64_of_other_text_stays() -> None:
    encoded = base64.b64encode(b"The quick brown fox jumps over the lazy dog, again and again.").decode()
    assert find_secrets(Haystack(f"data: {encoded}")) == []


@given(st.text(alphabet="ab1\"'+\\\n%2F/\u200b .-"), st.integers(0, 40))
def test_places_are_in_the_text(text: str, at: int) -> None:
    joined = Joined.of(text, at, lines=True) if at < len(text) else None
    if joined is not None:
        for index in range(len(joined.text)):
            start, end = joined.places(index, index + 1)
            assert 0 <= start < end <= len(text)
