import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.base import JsonObject
from sallyport.providers.usage import Usage
from sallyport.providers.wire.bedrock_invoke import BedrockInvoke
from sallyport.providers.wire.eventstream import encode_frame

WIRE = BedrockInvoke()
FRAMES = "application/vnd.amazon.eventstream"
CUTS = st.lists(st.integers(0, 5000), max_size=20)
HEADERS = {
    "x-amzn-bedrock-input-token-count": "20",
    "x-amzn-bedrock-output-token-count": "30",
    "x-amzn-bedrock-cache-read-input-token-count": "5",
}


def chunk(event: JsonObject) -> bytes:
    inner = base64.b64encode(json.dumps(event).encode()).decode()
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, json.dumps({"bytes": inner, "p": "abcdef"}).encode())


METRICS = {"inputTokenCount": 25, "outputTokenCount": 15, "invocationLatency": 900, "firstByteLatency": 400}
ANTHROPIC = (
    chunk({"type": "message_start", "message": {"model": "claude-haiku-4-5", "usage": {"input_tokens": 25, "output_tokens": 1}}}),
    chunk({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hello"}}),
    chunk({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 15}}),
    chunk({"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS}),
)
LLAMA = (
    chunk({"generation": "Hello", "prompt_token_count": 25, "stop_reason": None}),
    chunk(
        {"generation": "", "stop_reason": "stop", "amazon-bedrock-invocationMetrics": METRICS | {"cacheReadInputTokenCount": 7}}
    ),
)


@pytest.mark.parametrize(
    ("answer", "usage", "chars"),
    [
        (
            b'{"model":"claude-haiku-4-5","content":[{"type":"text","text":"Hi"}],"usage":{"input_tokens":9,'
            b'"cache_read_input_tokens":1,"output_tokens":3}}',
            Usage(input_tokens=10, output_tokens=3, cache_read_tokens=1),
            2,
        ),
        (
            b'{"choices":[{"message":{"content":"Hey"}}],"usage":{"prompt_tokens":9,"completion_tokens":3}}',
            Usage(input_tokens=9, output_tokens=3),
            3,
        ),
        (
            b'{"output":{"message":{"content":[{"text":"Hi"}]}},"usage":{"inputTokens":9,"outputTokens":3}}',
            Usage(input_tokens=9, output_tokens=3),
            2,
        ),
        (
            b'{"generation":"Hello","prompt_token_count":20,"generation_token_count":30}',
            Usage(input_tokens=25, output_tokens=30, cache_read_tokens=5),
            5,
        ),
    ],
    ids=["anthropic", "openai", "nova", "llama by headers"],
)
@given(cuts=CUTS)
def test_json(metered: Callable[..., Any], answer: bytes, usage: Usage, chars: int, cuts: list[int]):
    seen = metered(WIRE, answer, headers=HEADERS, cuts=cuts)
    assert (seen.client, seen.usage, seen.complete, seen.chars) == (answer, usage, True, chars)


def test_json_without_any_count(metered: Callable[..., Any]):
    assert metered(WIRE, b'{"generation":"x"}').usage is None
    assert metered(WIRE, b'{"generation":"x"}', headers={"x-amzn-bedrock-input-token-count": "9" * 5000}).usage is None


@given(cuts=CUTS)
def test_anthropic_stream(metered: Callable[..., Any], cuts: list[int]):
    stream = b"".join(ANTHROPIC)
    seen = metered(WIRE, stream, FRAMES, cuts=cuts)
    assert (seen.client, seen.usage, seen.complete) == (stream, Usage(input_tokens=25, output_tokens=15), True)
    assert (seen.model, seen.chars) == ("claude-haiku-4-5", 5)


@given(cuts=CUTS)
def test_other_streams_are_counted_by_bedrock(metered: Callable[..., Any], cuts: list[int]):
    stream = b"".join(LLAMA)
    seen = metered(WIRE, stream, FRAMES, cuts=cuts)
    assert (seen.client, seen.usage) == (stream, Usage(input_tokens=32, output_tokens=15, cache_read_tokens=7))
    assert (seen.complete, seen.chars) == (True, 5)


def test_a_stream_that_dies_leaves_the_input(metered: Callable[..., Any]):
    seen = metered(WIRE, b"".join(ANTHROPIC[:2]), FRAMES)
    assert (seen.usage, seen.partial, seen.complete) == (None, Usage(input_tokens=25, output_tokens=1), False)


def test_an_exception_ends_the_stream(metered: Callable[..., Any]):
    exception = encode_frame({":message-type": "exception", ":exception-type": "throttlingException"}, b'{"message":"slow down"}')
    assert metered(WIRE, ANTHROPIC[0] + exception, FRAMES).complete


@pytest.mark.parametrize(
    ("body", "cap"),
    [
        ({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10}, 10),
        ({"max_gen_len": 11}, 11),
        ({"inferenceConfig": {"maxTokens": 12}}, 12),
        ({"textGenerationConfig": {"maxTokenCount": 13}}, 13),
        ({"inputText": "x"}, None),
    ],
)
def test_output_cap(body: JsonObject, cap: int | None):
    assert WIRE.output_cap(body) == cap


def test_a_plain_text_document_is_not_left_alone():
    assert not WIRE.protects("data", {"type": "text", "data": "Jane"})
    assert WIRE.protects("data", {"type": "base64", "data": "iVBOR"})
