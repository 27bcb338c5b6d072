from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.base import MOST_OUTPUT_TOKENS, JsonObject
from sallyport.providers.usage import Usage
from sallyport.providers.wire.google_generate import GoogleGenerate

WIRE = GoogleGenerate()
SSE = "text/event-stream"
CUTS = st.lists(st.integers(0, 5000), max_size=20)

LAST = b"""{"candidates": [{"content": {"role": "model", "parts": [{"text": "lo"},
   {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "Cs0B"}]}, "finishReason": "STOP", "index": 0}],
 "usageMetadata": {"promptTokenCount": 264, "cachedContentTokenCount": 200, "candidatesTokenCount": 80, "thoughtsTokenCount": 20,
   "toolUsePromptTokenCount": 36, "totalTokenCount": 400,
   "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 252}, {"modality": "AUDIO", "tokenCount": 12}],
   "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}]},
 "modelVersion": "gemini-2.5-flash", "responseId": "x"}"""
FIRST = b"""{"candidates": [{"content": {"role": "model", "parts": [{"text": "Hel"}]}, "index": 0}],
 "usageMetadata": {"promptTokenCount": 264, "trafficType": "ON_DEMAND"}, "modelVersion": "gemini-2.5-flash"}"""
EXPECTED = Usage(
    input_tokens=300, output_tokens=100, cache_read_tokens=200, reasoning_tokens=20, input_audio_tokens=12, output_audio_tokens=3
)
CHARS = len("Hello") + len('{"a":1}')


def sse(*answers: bytes) -> bytes:
    return b"".join(b"data: " + answer.replace(b"\n", b"") + b"\r\n\r\n" for answer in answers)


@given(cuts=CUTS)
def test_json(metered: Callable[..., Any], cuts: list[int]):
    seen = metered(WIRE, LAST, "application/json; charset=UTF-8", cuts=cuts)
    assert (seen.client, seen.usage, seen.model, seen.complete) == (LAST, EXPECTED, "gemini-2.5-flash", True)


@given(cuts=CUTS)
def test_sse_stream(metered: Callable[..., Any], cuts: list[int]):
    stream = sse(FIRST, LAST)
    seen = metered(WIRE, stream, SSE, cuts=cuts)
    assert (seen.client, seen.usage, seen.complete, seen.chars) == (stream, EXPECTED, True, CHARS)


@given(cuts=CUTS)
def test_array_stream(metered: Callable[..., Any], cuts: list[int]):
    stream = b"[" + FIRST + b"\n,\r\n" + LAST + b"\n]\n"
    seen = metered(WIRE, stream, cuts=cuts)
    assert (seen.client, seen.usage, seen.complete, seen.chars) == (stream, EXPECTED, True, CHARS)


@pytest.mark.parametrize(("stream", "content_type"), [(sse(FIRST), SSE), (b"[" + FIRST + b",", "application/json")])
def test_a_stream_that_dies(metered: Callable[..., Any], stream: bytes, content_type: str):
    seen = metered(WIRE, stream, content_type)
    assert (seen.client, seen.usage, seen.complete, seen.chars) == (stream, None, False, len("Hel"))
    assert seen.partial == Usage(input_tokens=264)


def test_a_stream_is_over_when_every_candidate_is(metered: Callable[..., Any]):
    both = b'{"candidates":[{"index":0,"content":{}},{"index":1,"content":{}}]}'
    one = b'{"candidates":[{"index":1,"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1}}'
    other = b'{"candidates":[{"index":0,"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2}}'
    assert not metered(WIRE, sse(both, one), SSE).complete
    seen = metered(WIRE, sse(both, one, other), SSE)
    assert (seen.complete, seen.usage) == (True, Usage(input_tokens=1, output_tokens=2))


def test_a_blocked_prompt_costs_its_input(metered: Callable[..., Any]):
    blocked = b'{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":7}}'
    seen = metered(WIRE, sse(blocked), SSE)
    assert (seen.complete, seen.usage) == (True, Usage(input_tokens=7))


def test_an_error_in_the_stream_ends_it_and_its_counts_are_not_final(metered: Callable[..., Any]):
    seen = metered(WIRE, sse(FIRST, b'{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}'), SSE)
    assert (seen.complete, seen.usage, seen.partial) == (True, None, Usage(input_tokens=264))


@pytest.mark.parametrize(
    ("body", "cap"),
    [
        ({"generationConfig": {"maxOutputTokens": 100}}, 100),
        ({"generation_config": {"max_output_tokens": 100}}, 100),
        ({"generationConfig": {"maxOutputTokens": 100, "candidateCount": 2}}, 200),
        ({"generationConfig": {"candidateCount": "8", "max_output_tokens": 10}}, 80),
        ({"generationConfig": {"candidateCount": 2}}, 2 * MOST_OUTPUT_TOKENS),
        ({"generationConfig": None}, None),
        ({}, None),
    ],
)
def test_output_cap(body: JsonObject, cap: int | None):
    assert WIRE.output_cap(body) == cap


def test_what_redaction_leaves_alone():
    assert WIRE.protects("data", {"mimeType": "image/png", "data": "iVBOR"})
    assert WIRE.protects("thought_signature", {"thought_signature": "Cs0B"})
    assert not WIRE.protects("text", {"text": "Jane"})
    assert {"args", "response"} <= WIRE.user_data_keys
