import base64
from typing import Any

import pytest

from sallyport.providers.base import JsonObject
from sallyport.providers.sockets import Conversation, Turn
from sallyport.providers.usage import Usage
from sallyport.providers.wire.openai_realtime_socket import OpenAIRealtimeSocket

USAGE: JsonObject = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "image_tokens": 0,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 60, "audio_tokens": 4, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}
COUNTED = Usage(
    input_tokens=132,
    output_tokens=121,
    cache_read_tokens=64,
    input_audio_tokens=13,
    output_audio_tokens=91,
    cache_read_audio_tokens=4,
)


@pytest.fixture
def conversation() -> Conversation:
    return OpenAIRealtimeSocket().open("/v1/realtime?model=gpt-realtime&x=1")


def ask(conversation: Conversation, **fields: Any) -> Turn:
    turn = conversation.sent({"type": "response.create", **fields}, 30)
    assert turn is not None
    return turn


def hear(conversation: Conversation, kind: str, **response: Any) -> Turn | None:
    return conversation.received({"type": f"response.{kind}", "response": {"id": "resp_1", **response}})


def test_a_turn_from_its_request_to_its_usage(conversation: Conversation):
    turn = ask(conversation)
    assert turn.asked_model == "gpt-realtime"
    assert hear(conversation, "created") is turn
    said = {"type": "response.output_audio_transcript.delta", "response_id": "resp_1", "delta": "Hello"}
    assert conversation.received(said) is turn
    assert hear(conversation, "done", status="completed", usage=USAGE) is turn
    assert (turn.complete, turn.status, turn.usage, turn.output_chars) == (True, 200, COUNTED, 5)
    assert ask(conversation).held_tokens == 253


def test_the_session_says_which_model_it_is(conversation: Conversation):
    conversation.received({"type": "session.created", "session": {"model": "gpt-realtime-2026"}})
    assert ask(conversation).asked_model == "gpt-realtime-2026"


def test_an_answer_that_nobody_asked_for_is_a_turn(conversation: Conversation):
    conversation.sent({"type": "input_audio_buffer.append", "audio": "A" * 64_000}, 64_050)
    turn = hear(conversation, "created")
    assert turn is not None
    assert (turn.asked_model, turn.held_tokens) == ("gpt-realtime", 10)  # a second of sound
    assert conversation.stop(turn) == {"type": "response.cancel", "response_id": "resp_1"}
    assert hear(conversation, "done", status="cancelled", usage=USAGE) is turn
    assert conversation.stop(turn) is None


def test_what_was_said_before_is_read_again(conversation: Conversation):
    conversation.sent({"type": "session.update", "session": {"instructions": "x" * 270}}, 300)
    assert ask(conversation).held_tokens == 100
    assert ask(conversation, response={"conversation": "none", "input": []}).held_tokens == 0


def test_sound_that_was_heard_before_it_broke_off(conversation: Conversation):
    turn = ask(conversation)
    hear(conversation, "created")
    sound = base64.b64encode(bytes(24_000)).decode()  # half a second
    conversation.received({"type": "response.output_audio.delta", "response_id": "resp_1", "delta": sound})
    assert turn.partial == Usage(output_tokens=10, output_audio_tokens=10)


def test_responses_side_by_side(conversation: Conversation):
    one, two = ask(conversation), ask(conversation, response={"conversation": "none"})
    for turn, name in ((one, "a"), (two, "b")):
        assert conversation.received({"type": "response.created", "response": {"id": name}}) is turn
    assert conversation.received({"type": "response.done", "response": {"id": "b", "usage": USAGE}}) is two
    assert (one.complete, two.complete) == (False, True)


@pytest.mark.parametrize("name", ["event_7", None])
def test_an_error_in_the_place_of_an_answer(conversation: Conversation, name: str | None):
    turn = ask(conversation, event_id=name)
    assert conversation.received({"type": "error", "error": {"event_id": "event_of_another", "message": "no"}}) is None
    assert conversation.received({"type": "error", "error": {"event_id": name, "message": "no"}}) is turn
    assert (turn.complete, turn.status, turn.usage) == (True, 400, None)


def test_a_response_that_failed_costs_nothing(conversation: Conversation):
    turn = ask(conversation)
    hear(conversation, "created")
    hear(conversation, "done", status="failed", usage=None)
    assert (turn.complete, turn.status) == (True, 500)


def test_transcription_is_billed_by_itself(conversation: Conversation):
    settings = {"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}}
    conversation.received({"type": "session.updated", "session": settings})
    usage = {"type": "tokens", "input_tokens": 14, "output_tokens": 5, "input_token_details": {"audio_tokens": 14}}
    heard = {"type": "conversation.item.input_audio_transcription.completed", "transcript": "hi", "usage": usage}
    turn = conversation.received(heard)
    assert turn is not None
    assert (turn.asked_model, turn.complete) == ("gpt-4o-transcribe", True)
    assert turn.usage == Usage(input_tokens=14, output_tokens=5, input_audio_tokens=14)
    assert conversation.received({**heard, "usage": {"type": "duration", "seconds": 3}}) is None


def test_a_refusal_names_the_message_that_is_refused(conversation: Conversation):
    error = {"error": {"message": "no", "type": "invalid_request_error"}}
    told = conversation.refusal({"event_id": "event_7"}, 402, error)
    assert told is not None
    assert (told["type"], told["error"]) == ("error", {"message": "no", "type": "invalid_request_error", "event_id": "event_7"})


@pytest.mark.parametrize(
    "message",
    [{}, {"type": []}, {"type": "response.created", "response": 3}, {"type": "error", "error": "x"}, {"type": "response.done"}],
)
def test_odd_messages(conversation: Conversation, message: JsonObject):
    assert conversation.sent(message, 10) is None
    conversation.received(message)
    ask(conversation)
    conversation.received(message)


def test_what_redaction_leaves_alone():
    wire = OpenAIRealtimeSocket.turn.wire
    assert wire is not None
    assert wire.protects("audio", {"audio": "UklGRgAA"})
    assert not wire.protects("instructions", {"instructions": "be kind"})
    assert not wire.protects("text", {"type": "input_text", "text": "hi"})
