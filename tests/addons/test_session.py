from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.session import session_of

UUID = "0d6c1c1e-6a0b-4b1e-9d53-2f0a4b8a7c11"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-claude-code-session-id": UUID}, {"metadata": {"user_id": "user_ab_account__session_0"}}),
        ({"session_id": UUID}, {"prompt_cache_key": "another"}),
        ({"conversation_id": UUID}, None),
        ({}, {"metadata": {"user_id": f"user_ab12_account__session_{UUID}"}}),
        ({}, {"metadata": {"user_id": json.dumps({"device_id": "d", "session_id": UUID})}}),
        ({}, {"metadata": {"thread_id": UUID}}),
        ({}, {"conversation": UUID}),
        ({}, {"conversation": {"id": UUID}, "user": "ada"}),
        ({}, {"prompt_cache_key": UUID, "user": "ada"}),
        ({}, {"user": UUID}),
    ],
)
def test_a_client_names_its_conversation(headers: dict[str, str], body: dict[str, Any] | None) -> None:
    assert session_of(headers, body) == UUID


@pytest.mark.parametrize(
    "body", [None, {}, {"user": ""}, {"user": "a\nb"}, {"user": "a" * 300}, {"metadata": {"user_id": "[1]"}}]
)
def test_what_names_none_belongs_to_none(body: dict[str, Any] | None) -> None:
    assert session_of({}, body) is None


@given(st.dictionaries(st.sampled_from(["metadata", "conversation", "user"]), st.none() | st.text() | st.lists(st.integers())))
def test_nothing_that_a_client_sends_breaks_it(body: dict[str, Any]) -> None:
    session_of({}, body)
