"""Values that we hold are found by their hashes, in every form they travel in."""

import base64
import json
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.redaction.known import SHORTEST, KnownValues
from tests.sallyport.redaction.samples import private_key

VALUE = "bt-Zq8/x4Lr0+wN7cVy2kT5mHd9=&gQ"
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in JSON": lambda value: json.dumps({"a": value}),
    "slashes escaped": lambda value: value.replace("/", "\\/"),
    "in a URL": lambda value: "https://x.example/?key=" + urllib.parse.quote(value, safe="") + "&b=1",
    "glued": lambda value: "a" * 30 + value + "b" * 30,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_value_is_found_in_every_form(form: str) -> None:
    data = f"before {FORMS[form](VALUE)} after".encode()
    (found,) = KnownValues([("BASETEN_API_KEY", VALUE), ("OTHER", "x" * 20)]).find(data)
    assert found.name == "BASETEN_API_KEY"
    assert data[found.start : found.end].decode() in {VALUE, urllib.parse.quote(VALUE, safe=""), VALUE.replace("/", "\\/")}


@pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_its_base64_is_found_wherever_it_starts(before: str, encode: Callable[[bytes], bytes]) -> None:
    data = b'{"x":"' + encode(f"{before}{VALUE}\n".encode()) + b'"}'
    found = KnownValues([("KEY", VALUE)]).find(data)
    assert found
    left = data[: found[0].start] + data[found[0].end :]
    assert len(left) < len('{"x":"') + len(before) * 2 + 8


def test_of_a_service_account_only_what_is_secret_is_looked_for() -> None:
    account = {"type": "service_account", "project_id": "a-project-of-ours", "private_key": private_key()}
    known = KnownValues([("VERTEX_SERVICE_ACCOUNT_JSON", json.dumps(account))])
    assert known.find(json.dumps({"text": account["private_key"]}).encode())
    assert not known.find(b"it is about a-project-of-ours, a service_account")


def test_short_values_are_words_and_stay() -> None:
    assert KnownValues([("KEY", "x" * (SHORTEST - 1))]).find(b"x" * 100) == []


def test_over_chunks_nothing_is_lost() -> None:
    known = KnownValues([("KEY", VALUE)])
    unit = b"0123456789" * 2_621 + VALUE.encode()
    assert len(known.find(unit * 40)) == 40


def test_no_value_can_be_read_from_what_is_kept() -> None:
    kept = repr(vars(KnownValues([("KEY", VALUE)])))
    assert VALUE[:8] not in kept
    assert VALUE[-8:] not in kept


@given(st.binary(max_size=300), st.lists(st.text(max_size=40), max_size=5))
def test_no_data_breaks_it(data: bytes, values: list[str]) -> None:
    for start, end, _ in KnownValues([("KEY", value) for value in values]).find(data):
        assert 0 <= start < end <= len(data)


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=SHORTEST, max_size=60), st.binary(max_size=40))
def test_a_value_is_always_found(value: str, around: bytes) -> None:
    lines = [line for line in value.splitlines() if line.strip() == line and len(line.encode()) >= SHORTEST and "{" not in line]
    for line in lines:
        if not line.startswith("-----"):
            assert KnownValues([("KEY", line)]).find(around + line.encode() + around)
