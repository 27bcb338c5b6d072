from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.usage import Usage
from sallyport.providers.wire.anthropic_messages import AnthropicMessages, anthropic_usage

WIRE = AnthropicMessages()
SSE = "text/event-stream; charset=utf-8"
CUTS = st.lists(st.integers(0, 5000), max_size=20)

JSON = b"""{"id": "msg_013Zva", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
 "content": [{"type": "thinking", "thinking": "hm", "signature": "EqQB"}, {"type": "text", "text": "Hi!"},
             {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}],
 "stop_reason": "end_turn", "stop_sequence": null,
 "usage": {"input_tokens": 2095, "cache_creation_input_tokens": 300, "cache_read_input_tokens": 1000,
   "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
   "output_tokens": 503, "output_tokens_details": {"thinking_tokens": 40}, "service_tier": "standard"}}"""

START = b"""event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"claude-opus-4-6",\
"stop_reason":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":10,"cache_read_input_tokens":100,\
"cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":6},"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\""}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"thinking_delta","thinking":"so"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"signature_delta","signature":"EqQBCgIYAhIM"}}

"""
END = b"""event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}

event: message_stop
data: {"type":"message_stop"}

"""
CHARS = len("Hello") + len('{"a"') + len("so")
BEGUN = Usage(input_tokens=135, output_tokens=1, cache_read_tokens=100, cache_write_tokens=10, cache_write_1h_tokens=6)


@given(cuts=CUTS)
def test_json(metered: Callable[..., Any], cuts: list[int]):
    seen = metered(WIRE, JSON, cuts=cuts)
    assert (seen.client, seen.model, seen.complete) == (JSON, "claude-sonnet-4-5-20250929", True)
    assert seen.usage == Usage(
        input_tokens=3395,
        output_tokens=503,
        cache_read_tokens=1000,
        cache_write_tokens=300,
        cache_write_1h_tokens=200,
        reasoning_tokens=40,
        service_tier="standard",
    )
    assert seen.chars == len("hm") + len("Hi!") + len('{"a":1}')


@given(cuts=CUTS)
def test_stream(metered: Callable[..., Any], cuts: list[int]):
    seen = metered(WIRE, START + END, SSE, cuts=cuts)
    assert (seen.client, seen.model, seen.complete, seen.chars) == (START + END, "claude-opus-4-6", True, CHARS)
    assert seen.usage == Usage(
        input_tokens=135, output_tokens=15, cache_read_tokens=100, cache_write_tokens=10, cache_write_1h_tokens=6
    )


@given(cuts=CUTS)
def test_a_stream_that_dies_leaves_the_input_it_was_begun_with(metered: Callable[..., Any], cuts: list[int]):
    seen = metered(WIRE, START, SSE, cuts=cuts)
    assert (seen.usage, seen.partial, seen.complete, seen.chars) == (None, BEGUN, False, CHARS)


def test_counts_of_the_last_delta_replace_those_of_the_start(metered: Callable[..., Any]):
    counts = b'"usage":{"input_tokens":40,"cache_read_input_tokens":null,"output_tokens":9}'
    delta = b'data: {"type":"message_delta","delta":{},' + counts + b"}\n\n"
    seen = metered(WIRE, START + delta, SSE)
    assert (seen.usage.input_tokens, seen.usage.output_tokens, seen.complete) == (150, 9, False)


def test_an_error_event_ends_the_stream(metered: Callable[..., Any]):
    stream = START + b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    seen = metered(WIRE, stream, SSE)
    assert (seen.client, seen.usage, seen.partial, seen.complete) == (stream, None, BEGUN, True)


def test_compaction_and_advice_are_billed_beside_the_counts():
    usage = anthropic_usage(
        {
            "input_tokens": 10,
            "output_tokens": 5,
            "iterations": [
                {"type": "compaction", "input_tokens": 100, "output_tokens": 50, "cache_read_input_tokens": 7},
                {"type": "advisor_message", "input_tokens": 1000, "output_tokens": 500},
                {"type": "message", "input_tokens": 10, "output_tokens": 5},
            ],
        }
    )
    assert usage == Usage(input_tokens=1117, output_tokens=555, cache_read_tokens=7)


def test_output_cap():
    assert WIRE.output_cap({"max_tokens": 32_000}) == 32_000
    assert WIRE.output_cap({}) is None


def test_what_redaction_leaves_alone():
    assert WIRE.protects("data", {"type": "base64", "media_type": "image/png", "data": "iVBOR"})
    assert WIRE.protects("data", {"type": "redacted_thinking", "data": "EmwK"})
    assert not WIRE.protects("data", {"type": "text", "media_type": "text/plain", "data": "Jane Doe, 123-45-6789"})
    assert WIRE.protects("signature", {"type": "thinking", "thinking": "…", "signature": "EqQB"})
    assert not WIRE.protects("text", {"type": "text", "text": "Jane"})
    assert "input" in WIRE.user_data_keys


@given(cuts=CUTS)
def test_searches_and_the_service_tier_are_read_wherever_they_stand(metered: Callable[..., Any], cuts: list[int]):
    start = START.replace(b'"output_tokens":1}', b'"output_tokens":1,"service_tier":"priority"}')
    end = END.replace(b'"output_tokens":15}', b'"output_tokens":15,"server_tool_use":{"web_search_requests":3}}')
    usage = metered(WIRE, start + end, SSE, cuts=cuts).usage
    assert (usage.web_searches, usage.service_tier, usage.input_tokens, usage.output_tokens) == (3, "priority", 135, 15)
