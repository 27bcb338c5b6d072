from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.usage import Usage
from sallyport.providers.wire.openai_responses import OpenAIResponses

WIRE = OpenAIResponses()
SSE = "text/event-stream"
CUTS = st.lists(st.integers(0, 5000), max_size=20)
USAGE = (
    b'"usage": {"input_tokens": 36, "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 2},'
    b' "output_tokens": 87, "output_tokens_details": {"reasoning_tokens": 64}, "total_tokens": 123}'
)
EXPECTED = Usage(input_tokens=36, output_tokens=87, cache_read_tokens=30, cache_write_tokens=2, reasoning_tokens=64)

JSON = (
    b"""{"id": "resp_67", "object": "response", "status": "completed", "model": "gpt-5.2",
  "output": [{"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "why"}],
              "encrypted_content": "gAAA"},
             {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]},
             {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}], """
    + USAGE
    + b"}"
)


def event(kind: str, rest: bytes) -> bytes:
    return b"event: " + kind.encode() + b'\ndata: {"type":"' + kind.encode() + b'",' + rest + b"}\n\n"


BEGIN = (
    event("response.created", b'"response":{"id":"resp_1","model":"gpt-5.2","status":"in_progress","usage":null}')
    + event("response.output_text.delta", b'"item_id":"msg_1","delta":"Hi "')
    + event("response.function_call_arguments.delta", b'"item_id":"fc_1","delta":"{\\"a\\":1}"')
    + event("response.reasoning_summary_text.delta", b'"item_id":"rs_1","delta":"so"')
    + event("response.audio.delta", b'"delta":"UklGRgAA"')
    + event("response.output_text.done", b'"text":"Hi "')
)
CHARS = len("Hi ") + len('{"a":1}') + len("so")


@given(cuts=CUTS)
def test_json(metered: Callable[..., Any], cuts: list[int]):
    seen = metered(WIRE, JSON, cuts=cuts)
    assert (seen.client, seen.usage, seen.model, seen.complete) == (JSON, EXPECTED, "gpt-5.2", True)
    assert seen.chars == len("why") + len("Hello") + len("{}")


@pytest.mark.parametrize("ending", ["completed", "incomplete"])
@given(cuts=CUTS)
def test_stream(metered: Callable[..., Any], ending: str, cuts: list[int]):
    stream = BEGIN + event(f"response.{ending}", b'"response":{"model":"gpt-5.2-2025-12-11","status":"x",' + USAGE + b"}")
    seen = metered(WIRE, stream, SSE, cuts=cuts)
    assert (seen.client, seen.usage, seen.model) == (stream, EXPECTED, "gpt-5.2-2025-12-11")
    assert (seen.complete, seen.chars) == (True, CHARS)


@pytest.mark.parametrize(
    "ending",
    [
        event("response.failed", b'"response":{"status":"failed","usage":null,"error":{"code":"server_error"}}'),
        event("error", b'"code":"server_error","message":"no"'),
    ],
)
def test_a_failed_stream_is_over_without_usage(metered: Callable[..., Any], ending: bytes):
    seen = metered(WIRE, BEGIN + ending, SSE)
    assert (seen.usage, seen.complete, seen.chars) == (None, True, CHARS)


def test_a_stream_that_dies_is_not_complete(metered: Callable[..., Any]):
    seen = metered(WIRE, BEGIN, SSE)
    assert (seen.client, seen.usage, seen.complete, seen.model) == (BEGIN, None, False, "gpt-5.2")


def test_a_background_response_has_no_usage_yet(metered: Callable[..., Any]):
    seen = metered(WIRE, b'{"id":"resp_1","status":"queued","model":"o3","usage":null}')
    assert (seen.usage, seen.complete) == (None, True)


def test_output_cap():
    assert WIRE.output_cap({"max_output_tokens": 64}) == 64
    assert WIRE.output_cap({"max_tokens": 64}) is None


def test_what_redaction_leaves_alone():
    assert WIRE.protects("result", {"type": "image_generation_call", "result": "iVBOR"})
    assert not WIRE.protects("result", {"type": "other", "result": "text"})
    assert WIRE.protects("image_url", {"type": "input_image", "image_url": "data:image/png;base64,iVBOR"})
    assert WIRE.protects("encrypted_content", {"type": "reasoning", "encrypted_content": "gAAA"})
    assert not WIRE.protects("output", {"type": "function_call_output", "output": "Jane Doe"})


@given(cuts=CUTS)
def test_the_tier_that_served(metered: Callable[..., Any], cuts: list[int]):
    stream = BEGIN + event("response.completed", b'"response":{"service_tier":"priority",' + USAGE + b"}")
    assert metered(WIRE, stream, SSE, cuts=cuts).usage.service_tier == "priority"
    assert metered(WIRE, JSON.replace(b'"id"', b'"service_tier": "flex", "id"', 1), cuts=cuts).usage.service_tier == "flex"
