from typing import Any

import pytest

from sallyport.providers.base import JsonObject
from sallyport.providers.sockets import Conversation, Turn
from sallyport.providers.usage import Usage
from sallyport.providers.wire.google_live import GoogleLive, live_usage

USAGE: JsonObject = {
    "promptTokenCount": 373,
    "responseTokenCount": 23,
    "thoughtsTokenCount": 5,
    "totalTokenCount": 401,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 300}, {"modality": "AUDIO", "tokenCount": 73}],
    "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 23}],
}
COUNTED = Usage(input_tokens=373, output_tokens=28, reasoning_tokens=5, input_audio_tokens=73, output_audio_tokens=23)
DONE: JsonObject = {"serverContent": {"turnComplete": True}, "usageMetadata": USAGE}


def words(text: str) -> JsonObject:
    return {"serverContent": {"modelTurn": {"role": "model", "parts": [{"text": text}]}}}


@pytest.fixture
def conversation() -> Conversation:
    opened = GoogleLive().open("/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent")
    assert opened.sent({"setup": {"model": "models/gemini-live-2.5-flash-preview"}}, 0) is None
    assert opened.received({"setupComplete": {}}) is None
    return opened


def ask(conversation: Conversation, **message: Any) -> Turn:
    turn = conversation.sent(message or {"client_content": {"turns": [], "turn_complete": True}}, 100)
    assert turn is not None
    return turn


def test_a_turn_from_its_request_to_its_usage(conversation: Conversation):
    assert conversation.sent({"clientContent": {"turns": [], "turnComplete": False}}, 300) is None
    turn = ask(conversation)
    assert (turn.asked_model, turn.held_tokens) == ("gemini-live-2.5-flash-preview", 100)
    assert conversation.received(words("Hello")) is turn
    assert conversation.received({"serverContent": {"generationComplete": True}}) is turn
    assert conversation.received(DONE) is turn
    assert (turn.complete, turn.usage, turn.output_chars) == (True, COUNTED, 5)
    assert ask(conversation).held_tokens == 401


def test_vertex_names_the_model_by_its_place(conversation: Conversation):
    conversation.sent({"setup": {"model": "projects/p/locations/l/publishers/google/models/gemini-live-2.5-flash"}}, 10)
    assert ask(conversation).asked_model == "gemini-live-2.5-flash"


def test_an_answer_to_speech_is_a_turn_that_nobody_asked_for(conversation: Conversation):
    assert conversation.sent({"realtime_input": {"audio": {"data": "A" * 17_000}}}, 17_000) is None
    assert conversation.received({"serverContent": {"inputTranscription": {"text": "hi"}}}) is None
    turn = conversation.received(words("Hello"))
    assert turn is not None
    assert turn.held_tokens == 10
    assert conversation.received(DONE) is turn
    assert conversation.received({"serverContent": {"turnComplete": True}}) is None


def test_a_call_of_a_tool_ends_a_turn_and_its_answer_starts_one(conversation: Conversation):
    first = ask(conversation)
    assert conversation.received({"toolCall": {"functionCalls": [{"args": {"a": 1}}]}, "usageMetadata": USAGE}) is first
    assert (first.complete, first.output_chars) == (True, 7)
    second = ask(conversation, toolResponse={"functionResponses": [{"id": "1"}]})
    assert conversation.received(DONE) is second


def test_an_interrupted_turn_makes_way_for_the_next(conversation: Conversation):
    first, second = ask(conversation), None
    conversation.received(words("Once upon"))
    second = ask(conversation)
    assert conversation.received({"serverContent": {"interrupted": True}}) is first
    assert conversation.received(DONE) is first
    assert conversation.received(words("Yes?")) is second


def test_usage_without_a_turn_is_paid(conversation: Conversation):
    turn = conversation.received(DONE)
    assert turn is not None
    assert (turn.complete, turn.usage) == (True, COUNTED)


def test_a_turn_without_usage_is_left_to_be_estimated(conversation: Conversation):
    turn = ask(conversation)
    conversation.received(words("Hello"))
    conversation.received({"serverContent": {"turnComplete": True}})
    assert (turn.complete, turn.usage, turn.output_chars) == (True, None, 5)


def test_a_refusal_can_only_close(conversation: Conversation):
    turn = ask(conversation)
    assert conversation.refusal({}, 402, {}) is None
    assert conversation.stop(turn) is None
    conversation.forget(turn)
    later = ask(conversation)
    assert conversation.received(words("x")) is later


@pytest.mark.parametrize("message", [{}, {"setup": 1}, {"serverContent": [1]}, {"toolCall": "x"}, {"usageMetadata": 3}])
def test_odd_messages(conversation: Conversation, message: JsonObject):
    assert conversation.sent(message, 10) is None
    assert conversation.received(message) is None


def test_generate_contents_names_count_too():
    assert live_usage({"promptTokenCount": 3, "candidatesTokenCount": 2}) == Usage(input_tokens=3, output_tokens=2)


def test_what_redaction_leaves_alone():
    wire = GoogleLive.turn.wire
    assert wire is not None
    assert wire.protects("data", {"data": "UklGRgAA", "mimeType": "audio/pcm"})
    assert not wire.protects("text", {"text": "hi"})
