"""What holds for every meter: bytes pass unchanged, nothing that a provider may send breaks it."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.base import WireFormat
from sallyport.providers.wire import meters
from sallyport.providers.wire.anthropic_messages import AnthropicMessages
from sallyport.providers.wire.bedrock_converse import BedrockConverse
from sallyport.providers.wire.bedrock_invoke import BedrockInvoke
from sallyport.providers.wire.eventstream import encode_frame
from sallyport.providers.wire.google_embed import GoogleEmbed
from sallyport.providers.wire.google_generate import GoogleGenerate
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.providers.wire.openai_embeddings import OpenAIEmbeddings
from sallyport.providers.wire.openai_images import OpenAIImages
from sallyport.providers.wire.openai_responses import OpenAIResponses

WIRES = [
    AnthropicMessages(),
    BedrockConverse(),
    BedrockInvoke(),
    GoogleEmbed(),
    GoogleGenerate(),
    OpenAIChat(),
    OpenAIEmbeddings(),
    OpenAIImages(),
    OpenAIResponses(),
]
TYPES = ["application/json", "text/event-stream", "application/vnd.amazon.eventstream", "text/html", ""]
# fmt: off
WORDS = [
    "type", "message_start", "message", "usage", "input_tokens", "output_tokens", "cache_creation", "iterations", "delta",
    "text", "message_delta", "choices", "usageMetadata", "promptTokenCount", "candidates", "content", "parts", "index",
    "finishReason", "promptFeedback", "predictions", "embeddings", "statistics", "response", "model", "response.completed",
    "error", "metadata", "output", "inputTokens", "cacheDetails", "prompt_tokens", "prompt_tokens_details",
    "amazon-bedrock-invocationMetrics",
]
# fmt: on
STRANGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**12)
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=15,
)


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
@pytest.mark.parametrize("content_type", TYPES)
@given(answer=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_noise_passes_unchanged(metered: Callable[..., Any], wire: WireFormat, content_type: str, answer: bytes, cuts: list[int]):
    assert metered(wire, answer, content_type, cuts=cuts).client == answer


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
@given(document=STRANGE)
def test_known_fields_of_the_wrong_kind_break_nothing(metered: Callable[..., Any], wire: WireFormat, document: object):
    encoded = json.dumps(document).encode()
    inner = json.dumps({"bytes": base64.b64encode(encoded).decode()}).encode()
    frames = encode_frame({":event-type": "metadata"}, encoded) + encode_frame({":event-type": "chunk"}, inner)
    for answer, content_type in zip((encoded, b"data: " + encoded + b"\n\n", frames), TYPES, strict=False):
        assert metered(wire, answer, content_type).client == answer


def test_deep_nesting_breaks_nothing(metered: Callable[..., Any]):
    answer = b'{"choices":' + b"[" * 1000 + b"]" * 1000 + b"}"
    assert metered(OpenAIChat(), answer).client == answer


def test_a_document_past_the_limit_passes_unread(metered: Callable[..., Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(meters, "LARGEST_DOCUMENT", 30)
    answer = b'{"usage":{"prompt_tokens":8,"total_tokens":8}}'
    seen = metered(OpenAIEmbeddings(), answer, cuts=[20, 40])
    assert (seen.client, seen.usage, seen.complete) == (answer, None, False)


def test_a_media_type_is_known_by_any_spelling(metered: Callable[..., Any]):
    assert metered(OpenAIChat(), b"data: [DONE]\n\n", "Text/Event-Stream ;charset=utf-8").complete
