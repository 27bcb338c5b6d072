from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.usage import Usage
from sallyport.providers.wire.bedrock_converse import BedrockConverse
from sallyport.providers.wire.eventstream import encode_frame

WIRE = BedrockConverse()
FRAMES = "application/vnd.amazon.eventstream"
CUTS = st.lists(st.integers(0, 5000), max_size=20)
USAGE = (
    b'"usage":{"inputTokens":30,"outputTokens":628,"totalTokens":658,"cacheReadInputTokens":100,"cacheWriteInputTokens":50,'
    b'"cacheDetails":[{"ttl":"1h","inputTokens":20},{"ttl":"5m","inputTokens":30}]}'
)
EXPECTED = Usage(input_tokens=180, output_tokens=628, cache_read_tokens=100, cache_write_tokens=50, cache_write_1h_tokens=20)
JSON = (
    b'{"output":{"message":{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"hm","signature":"EqQB"}}},'
    b'{"text":"Hi!"},{"toolUse":{"toolUseId":"t","name":"f","input":{"a":1}}}]}},"stopReason":"end_turn",'
    + USAGE
    + b',"metrics":{"latencyMs":1275}}'
)


def frame(kind: str, payload: bytes, message_type: str = "event") -> bytes:
    headers = {f":{message_type}-type": kind, ":content-type": "application/json", ":message-type": message_type}
    return encode_frame(headers, payload)


BEGIN = (
    frame("messageStart", b'{"role":"assistant","p":"abcd"}')
    + frame("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"Hello"},"p":"abcdefghij"}')
    + frame("contentBlockDelta", b'{"contentBlockIndex":1,"delta":{"toolUse":{"input":"{}"}}}')
    + frame("contentBlockDelta", b'{"contentBlockIndex":2,"delta":{"reasoningContent":{"text":"so"}}}')
    + frame("contentBlockDelta", b'{"contentBlockIndex":2,"delta":{"reasoningContent":{"signature":"EqQBCgIYAhIM"}}}')
    + frame("messageStop", b'{"stopReason":"end_turn"}')
)
CHARS = len("Hello") + len("{}") + len("so")


@given(cuts=CUTS)
def test_json(metered: Callable[..., Any], cuts: list[int]):
    seen = metered(WIRE, JSON, cuts=cuts)
    assert (seen.client, seen.usage, seen.complete) == (JSON, EXPECTED, True)
    assert seen.chars == len("hm") + len("Hi!") + len('{"a":1}')


@given(cuts=CUTS)
def test_stream(metered: Callable[..., Any], cuts: list[int]):
    stream = BEGIN + frame("metadata", b"{" + USAGE + b',"metrics":{"latencyMs":1}}')
    seen = metered(WIRE, stream, FRAMES, cuts=cuts)
    assert (seen.client, seen.usage, seen.complete, seen.chars) == (stream, EXPECTED, True, CHARS)


def test_a_stream_that_dies_is_not_complete(metered: Callable[..., Any]):
    seen = metered(WIRE, BEGIN, FRAMES)
    assert (seen.usage, seen.complete, seen.chars) == (None, False, CHARS)


def test_an_exception_ends_the_stream(metered: Callable[..., Any]):
    stream = BEGIN + frame("modelStreamErrorException", b'{"message":"no"}', "exception")
    seen = metered(WIRE, stream, FRAMES)
    assert (seen.client, seen.usage, seen.complete) == (stream, None, True)


def test_a_broken_frame_passes_unread(metered: Callable[..., Any]):
    stream = BEGIN + b"\x00" * 40
    seen = metered(WIRE, stream, FRAMES)
    assert (seen.client, seen.usage, seen.complete) == (stream, None, False)


def test_request():
    assert WIRE.output_cap({"inferenceConfig": {"maxTokens": 512}}) == 512
    assert WIRE.output_cap({"inferenceConfig": []}) is None
    assert WIRE.model({"model": "not here"}) is None
    assert not WIRE.wants_stream({"stream": True})


def test_what_redaction_leaves_alone():
    assert WIRE.protects("bytes", {"bytes": "iVBOR"})
    assert WIRE.protects("toolUseId", {"toolUseId": "tooluse_1"})
    assert not WIRE.protects("text", {"text": "Jane"})
    assert {"input", "json"} <= WIRE.user_data_keys
