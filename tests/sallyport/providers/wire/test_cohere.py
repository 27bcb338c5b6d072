import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.usage import Usage
from sallyport.providers.wire.cohere import CohereChat, CohereEmbed
from tests.sallyport.providers.wire.conftest import Metered

USAGE = {"billed_units": {"input_tokens": 5, "output_tokens": 418}, "tokens": {"input_tokens": 71, "output_tokens": 418}}
EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant", "content": []}}},
    {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Hello"}}}},
    {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": USAGE}},
)
STREAM = b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in EVENTS)


@given(cuts=st.lists(st.integers(0, 5000), max_size=5))
def test_a_stream_names_what_is_billed_in_its_last_event(metered: Metered, cuts: list[int]):
    seen = metered(CohereChat(), STREAM, "text/event-stream", cuts=cuts)
    assert (seen.client, seen.usage, seen.complete, seen.chars) == (STREAM, Usage(5, 418), True, 5)


def test_a_whole_answer(metered: Metered):
    body = {"message": {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]}, "usage": USAGE}
    seen = metered(CohereChat(), json.dumps(body).encode())
    assert (seen.usage, seen.complete, seen.chars) == (Usage(5, 418), True, 5)


@pytest.mark.parametrize(
    ("meta", "usage"),
    [
        ({"billed_units": {"input_tokens": 2}}, Usage(2)),
        ({"billed_units": {"image_tokens": 300, "images": 1}}, Usage(300)),
        ({}, None),
    ],
)
def test_an_embedding(metered: Metered, meta: dict[str, object], usage: Usage | None):
    assert metered(CohereEmbed(), json.dumps({"embeddings": {}, "meta": meta}).encode()).usage == usage


def test_output_caps_and_media():
    assert CohereChat().output_cap({"max_tokens": 9}) == 9
    assert CohereChat().output_cap({}) is None
    assert CohereEmbed().output_cap({"max_tokens": 9}) == 0
    assert CohereChat().protects("url", {"url": "data:image/png;base64,AAAA"})
    assert not CohereChat().protects("url", {"url": "https://corp.example/ada"})
