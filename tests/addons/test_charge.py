"""What a call that broke off is charged, where its provider did not say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from addons.charge import charge
from addons.context import Call
from sallyport.providers.base import WireFormat
from sallyport.providers.usage import Usage
from sallyport.providers.wire.anthropic_messages import AnthropicMessages
from sallyport.providers.wire.bedrock_converse import BedrockConverse
from sallyport.providers.wire.eventstream import encode_frame
from sallyport.providers.wire.google_generate import GoogleGenerate
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_responses import OpenAIResponses
from sallyport.spend.estimate import OutputEstimator
from sallyport.store.snapshot import Snapshot
from sallyport.tracing.record import CallRecord

SSE, FRAMES = "text/event-stream", "application/vnd.amazon.eventstream"
LATELY = 700
"""Output tokens that this key and model lately used."""


def sse(*events: Mapping[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def converse(delta: Mapping[str, Any]) -> bytes:
    headers = {":message-type": "event", ":event-type": "contentBlockDelta", ":content-type": "application/json"}
    return encode_frame(headers, json.dumps({"contentBlockIndex": 0, "delta": delta}).encode())


def broken_off(wire: WireFormat, answer: bytes, outcome: Any = "aborted", kind: str = SSE) -> int:
    """Output tokens that the call is charged for."""
    record = CallRecord("c", 1.8e9, provider="openai", model="gpt-5", outcome=outcome, status=200)
    call = Call(record, Snapshot(), expected=Usage(10, LATELY))
    call.meter = wire.meter(status=200, headers={"content-type": kind}, prepared=False)
    call.meter.feed(answer)
    charge(call, OutputEstimator())
    assert record.estimated
    return record.output_tokens


HIDDEN = {
    "responses": (
        OpenAIResponses(),
        sse({"type": "response.output_item.added", "item": {"type": "reasoning", "summary": []}}),
        SSE,
    ),
    "anthropic": (AnthropicMessages(), sse({"type": "content_block_start", "content_block": {"type": "redacted_thinking"}}), SSE),
    "thinking": (AnthropicMessages(), sse({"type": "content_block_start", "content_block": {"type": "thinking"}}), SSE),
    "gemini": (
        GoogleGenerate(),
        sse({"candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}]}, "index": 0}]}),
        SSE,
    ),
    "converse": (BedrockConverse(), converse({"reasoningContent": {"text": "Let me see"}}), FRAMES),
}


@pytest.mark.parametrize("outcome", ["aborted", "error"])
@pytest.mark.parametrize("name", HIDDEN)
def test_thoughts_that_are_not_shown_are_charged_as_lately(name: str, outcome: str):
    wire, answer, kind = HIDDEN[name]
    assert broken_off(wire, answer, outcome, kind) == LATELY


def test_thoughts_that_are_counted_are_charged_as_counted():
    answer = {"candidates": [{"content": {"parts": [{"text": "Hm", "thought": True}]}, "index": 0}]}
    usage = {"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 40}}
    assert broken_off(GoogleGenerate(), sse(answer | usage)) == 43


def test_more_that_was_said_than_lately_is_charged_as_said():
    said = {"type": "response.output_text.delta", "delta": "word " * 1000}
    thought = {"type": "response.output_item.added", "item": {"type": "reasoning"}}
    assert broken_off(OpenAIResponses(), sse(thought, said)) == 1250


def test_who_leaves_before_a_word_came_is_charged_as_lately():
    assert broken_off(OpenAIChat(), sse({"choices": [{"index": 0, "delta": {"role": "assistant"}}]})) == LATELY


def test_a_provider_that_broke_off_before_a_word_came_is_owed_the_input():
    assert broken_off(OpenAIChat(), sse({"choices": []}), "error") == 0


def test_words_without_hidden_thoughts_are_charged_as_said():
    assert broken_off(OpenAIChat(), sse({"choices": [{"index": 0, "delta": {"content": "word " * 80}}]})) == 100
