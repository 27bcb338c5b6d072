from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.base import MOST_OUTPUT_TOKENS, JsonObject
from sallyport.providers.usage import Usage
from sallyport.providers.wire.openai_chat import OpenAIChat

WIRE = OpenAIChat()
SSE = "text/event-stream; charset=utf-8"
CUTS = st.lists(st.integers(0, 5000), max_size=20)

JSON = b"""{
  "id": "chatcmpl-B9", "object": "chat.completion", "created": 1741569952, "model": "gpt-4.1-2025-04-14",
  "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello!", "refusal": null, "tool_calls": [
      {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{\\"city\\":1}"}}]},
    "logprobs": {"content": [{"token": "Hello", "logprob": -0.1, "bytes": [72]}]}, "finish_reason": "stop"}],
  "usage": {"prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306,
    "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 5, "cache_write_tokens": 40},
    "completion_tokens_details": {"reasoning_tokens": 128, "audio_tokens": 7}},
  "service_tier": "default"
}
"""
USAGE = Usage(
    input_tokens=2006,
    output_tokens=300,
    cache_read_tokens=1920,
    cache_write_tokens=40,
    reasoning_tokens=128,
    input_audio_tokens=5,
    output_audio_tokens=7,
    service_tier="default",
)


def chunk(rest: str) -> bytes:
    return b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","model":"gpt-4.1",' + rest.encode() + b"}\n\n"


TEXT = chunk('"choices":[{"index":0,"delta":{"role":"assistant","content":"Grüße"},"finish_reason":null}],"usage":null') + chunk(
    '"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"finish_reason":"stop"}]'
)
EXTRA = chunk('"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":12,"total_tokens":21}')
DONE = b"data: [DONE]\n\n"
CHARS = len("Grüße") + len("{}")


@given(cuts=CUTS)
def test_json(metered: Callable[..., Any], cuts: list[int]):
    seen = metered(WIRE, JSON, cuts=cuts)
    assert (seen.client, seen.usage, seen.model, seen.complete) == (JSON, USAGE, "gpt-4.1-2025-04-14", True)
    assert seen.chars == len("Hello!") + len('{"city":1}')


@given(cuts=CUTS)
def test_stream_whose_client_asked_for_usage(metered: Callable[..., Any], cuts: list[int]):
    stream = TEXT + EXTRA + DONE
    seen = metered(WIRE, stream, SSE, cuts=cuts)
    assert (seen.client, seen.usage, seen.model) == (stream, Usage(input_tokens=9, output_tokens=12), "gpt-4.1")
    assert (seen.complete, seen.chars) == (True, CHARS)


@given(cuts=CUTS)
def test_a_client_that_did_not_ask_never_sees_the_extra_chunk(metered: Callable[..., Any], cuts: list[int]):
    seen = metered(WIRE, TEXT + EXTRA + DONE, SSE, cuts=cuts, prepared=True)
    assert seen.client == TEXT + DONE
    assert (seen.usage, seen.complete, seen.chars) == (Usage(input_tokens=9, output_tokens=12), True, CHARS)


@given(cuts=CUTS)
def test_usage_in_the_last_chunk_of_text_stays_with_the_text(metered: Callable[..., Any], cuts: list[int]):
    stream = (
        chunk(
            '"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}'
        )
        + DONE
    )
    seen = metered(WIRE, stream, SSE, cuts=cuts, prepared=True)
    assert (seen.client, seen.usage) == (stream, Usage(input_tokens=3, output_tokens=1))


def test_a_stream_that_dies_has_no_usage_but_says_how_much_it_wrote(metered: Callable[..., Any]):
    seen = metered(WIRE, TEXT[:-1], SSE, prepared=True)
    assert (seen.client, seen.usage, seen.complete) == (TEXT[:-1], None, False)
    assert seen.chars == CHARS


def test_running_counts_are_only_partial_until_the_end(metered: Callable[..., Any]):
    stream = chunk('"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}')
    seen = metered(WIRE, stream, SSE)
    assert (seen.usage, seen.partial) == (None, Usage(input_tokens=3, output_tokens=1))
    assert metered(WIRE, stream + DONE, SSE).usage == Usage(input_tokens=3, output_tokens=1)


def test_an_error_in_the_stream_ends_it(metered: Callable[..., Any]):
    stream = TEXT + b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'
    seen = metered(WIRE, stream, SSE, prepared=True)
    assert (seen.client, seen.usage, seen.complete) == (stream, None, True)


def test_a_last_event_without_its_blank_line_counts(metered: Callable[..., Any]):
    seen = metered(WIRE, TEXT + EXTRA + b"data: [DONE]", SSE, prepared=True)
    assert (seen.client, seen.complete) == (TEXT + b"data: [DONE]", True)


def test_legacy_completions(metered: Callable[..., Any]):
    stream = b'data: {"choices":[{"text":"abc","index":0,"finish_reason":null}],"model":"m"}\n\n' + DONE
    assert metered(WIRE, stream, SSE).chars == 3


@pytest.mark.parametrize("answer", [b'{"error":{"message":"no"}}', b"<html>", b""])
def test_an_error_answer_passes_unread(metered: Callable[..., Any], answer: bytes):
    seen = metered(WIRE, answer, status=429)
    assert (seen.client, seen.usage, seen.complete) == (answer, None, True)


@pytest.mark.parametrize(
    ("body", "changed", "options"),
    [
        ({"stream": True}, True, {"include_usage": True}),
        ({"stream": True, "stream_options": None}, True, {"include_usage": True}),
        ({"stream": True, "stream_options": {"include_usage": False, "x": 1}}, True, {"include_usage": True, "x": 1}),
        ({"stream": True, "stream_options": {"include_usage": True}}, False, {"include_usage": True}),
        ({"stream": True, "stream_options": "malformed"}, False, "malformed"),
        ({"stream": False}, False, None),
        ({}, False, None),
    ],
)
def test_usage_is_asked_for_only_where_the_client_did_not(body: JsonObject, changed: bool, options: object):
    assert WIRE.prepare(body) is changed
    assert body.get("stream_options") == options


def test_vendors_that_refuse_the_option_are_not_asked():
    body: JsonObject = {"stream": True}
    assert not OpenAIChat(asks_for_usage=False).prepare(body)
    assert body == {"stream": True}


@pytest.mark.parametrize(
    ("body", "cap"),
    [
        ({}, None),
        ({"max_tokens": 100}, 100),
        ({"max_tokens": 100, "max_completion_tokens": 50}, 100),
        ({"n": 3}, 3 * MOST_OUTPUT_TOKENS),
        ({"n": "3", "max_tokens": 10}, 30),
        ({"n": 2.5, "max_tokens": 10}, 30),
        ({"n": "many", "max_tokens": 10}, 10),
        ({"max_tokens": 100, "n": 3}, 300),
        ({"max_tokens": 10, "n": 2, "best_of": 4, "prompt": ["a", "b"]}, 80),
        ({"max_tokens": 10, "prompt": [1, 2, 3]}, 10),
        ({"max_tokens": True}, None),
        ({"max_tokens": -1}, None),
        ({"max_tokens": "9"}, None),
    ],
)
def test_output_cap(body: JsonObject, cap: int | None):
    assert WIRE.output_cap(body) == cap


def test_what_redaction_leaves_alone():
    image = "data:image/png;base64,iVBORw0KGgo="
    assert WIRE.protects("url", {"url": image})
    assert not WIRE.protects("url", {"url": "https://example.com/?q=jane"})
    assert WIRE.protects("data", {"data": "UklGRg==", "format": "wav"})
    assert WIRE.protects("name", {"name": "get_weather", "arguments": "{}"})
    assert not WIRE.protects("name", {"role": "user", "name": "jane_doe"})
    assert not WIRE.protects("name", {"name": {"type": "string", "description": "the customer's name"}})
    assert not WIRE.protects("content", {"content": "hello"})
    assert "arguments" in WIRE.user_data_keys


@given(cuts=CUTS)
def test_the_tier_that_served_a_stream(metered: Callable[..., Any], cuts: list[int]):
    stream = TEXT.replace(b'"choices"', b'"service_tier":"flex","choices"') + EXTRA + DONE
    usage = metered(WIRE, stream, SSE, cuts=cuts).usage
    assert usage == Usage(input_tokens=9, output_tokens=12, service_tier="flex")


def test_a_stream_may_just_stop_once_every_choice_is_finished(metered: Callable[..., Any]):
    """Perplexity sends no `[DONE]`: its streams were cut as broken ones."""
    told = chunk('"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": null}]')
    ended = chunk('"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}')
    assert metered(WIRE, told + ended, SSE).complete
    assert not metered(WIRE, told, SSE).complete
