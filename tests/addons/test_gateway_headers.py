"""What callers say in headers of ours: names as policies match them, bounded, and never who they are."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.gateway_headers import gateway_headers
from addons.refusal import Refusal


def read(**headers: str) -> dict[str, str] | Refusal:
    return gateway_headers(
        [(b"X-Gateway-" + name.replace("__", "-").encode(), value.encode()) for name, value in headers.items()]
    )


def test_names_are_read_in_one_spelling_and_values_as_they_are() -> None:
    fields = [(b"x-GATEWAY-Customer.ID", b"Acme"), (b"X-Gateway-Team-Name", b"gr\xc3\xbcn"), (b"X-Team", b"no")]
    assert gateway_headers(fields) == {"customer_id": "Acme", "team_name": "grün"}


def test_metadata_adds_its_texts_numbers_and_booleans_and_headers_win() -> None:
    content = {"Team": "red", "run": 7, "dry": True, "tags": ["a"], "none": None, "customer": "acme"}
    assert read(Team="blue", Metadata=orjson.dumps(content).decode()) == {
        "team": "blue",
        "run": "7",
        "dry": "true",
        "customer": "acme",
    }


def test_nobody_says_who_they_are() -> None:
    assert read(User__Id="root", Key="sp_x", Metadata='{"workspace_id": "w", "api-key-id": "k"}') == {}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Metadata": "[1]"}, 400),
        ({"Metadata": "{"}, 400),
        ({"Team": "x" * 257}, 431),
        ({"x" * 101: "y"}, 431),
        ({f"h{number}": "x" for number in range(33)}, 431),
        ({"Metadata": orjson.dumps({f"h{number}": "x" for number in range(33)}).decode()}, 431),
    ],
)
def test_what_is_too_much_or_unreadable_is_refused_and_not_dropped(headers: dict[str, str], status: int) -> None:
    refusal = read(**headers)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.retry_after) == (status, None)
    assert "X-Gateway-" in refusal.message


@given(
    st.lists(st.tuples(st.sampled_from([b"x-gateway-a", b"x-gateway-metadata", b"X-Gateway-\xff\x00"]), st.binary(max_size=40)))
)
def test_any_bytes_are_values_that_can_be_stored_or_are_refused(fields: list[tuple[bytes, bytes]]) -> None:
    found = gateway_headers(fields)
    assert isinstance(found, Refusal) or orjson.loads(orjson.dumps(found)) == found
