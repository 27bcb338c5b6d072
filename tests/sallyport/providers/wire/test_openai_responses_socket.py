from typing import Any

import pytest

from sallyport.providers.base import JsonObject
from sallyport.providers.sockets import Conversation, Turn
from sallyport.providers.usage import Usage
from sallyport.providers.wire.openai_responses_socket import OpenAIResponsesSocket

USAGE: JsonObject = {"input_tokens": 30, "input_tokens_details": {"cached_tokens": 20}, "output_tokens": 7}


@pytest.fixture
def conversation() -> Conversation:
    return OpenAIResponsesSocket().open("/v1/responses")


def ask(conversation: Conversation, **fields: Any) -> Turn:
    turn = conversation.sent({"type": "response.create", "model": "gpt-5.2", **fields}, 100)
    assert turn is not None
    return turn


def hear(conversation: Conversation, kind: str, response_id: str = "resp_1", **fields: Any) -> Turn | None:
    lane = {"stream_id": fields.pop("stream_id")} if "stream_id" in fields else {}
    response: JsonObject = {"id": response_id, "model": "gpt-5.2-2026", **fields}
    return conversation.received({"type": f"response.{kind}", "response": response, **lane})


def test_a_turn_from_its_request_to_its_usage(conversation: Conversation):
    turn = ask(conversation)
    assert turn.asked_model == "gpt-5.2"
    assert hear(conversation, "created") is turn
    assert conversation.received({"type": "response.output_text.delta", "delta": "Hello"}) is turn
    assert (turn.output_chars, turn.complete) == (5, False)
    assert hear(conversation, "completed", usage=USAGE) is turn
    assert (turn.complete, turn.status, turn.model) == (True, 200, "gpt-5.2-2026")
    assert turn.usage == Usage(input_tokens=30, output_tokens=7, cache_read_tokens=20)
    assert hear(conversation, "in_progress") is None  # whatever comes now belongs to nobody


def test_a_turn_that_goes_on_reads_what_was_said_before(conversation: Conversation):
    ask(conversation)
    hear(conversation, "created")
    hear(conversation, "completed", usage=USAGE)
    assert ask(conversation, previous_response_id="resp_1").held_tokens == 37
    assert ask(conversation, previous_response_id="resp_of_another_connection").held_tokens == 0


def test_a_warm_up_costs_what_its_usage_says_or_nothing(conversation: Conversation):
    turn = ask(conversation, generate=False)
    hear(conversation, "created")
    hear(conversation, "completed")
    assert (turn.complete, turn.usage) == (True, Usage())
    wire = OpenAIResponsesSocket.turn.wire
    assert wire is not None
    assert wire.output_cap({"generate": False}) == 0


def test_lanes_run_side_by_side(conversation: Conversation):
    one, two = ask(conversation, stream_id="a"), ask(conversation, stream_id="b")
    assert hear(conversation, "created", "resp_b", stream_id="b") is two
    assert hear(conversation, "created", "resp_a", stream_id="a") is one
    assert conversation.received({"type": "response.output_text.delta", "delta": "x", "stream_id": "b"}) is two
    assert hear(conversation, "completed", "resp_a", stream_id="a", usage=USAGE) is one
    assert (one.complete, two.complete) == (True, False)


def test_in_one_lane_turns_wait_for_each_other(conversation: Conversation):
    one, two = ask(conversation), ask(conversation)
    for turn in (one, two):
        assert hear(conversation, "created") is turn
        assert hear(conversation, "incomplete", usage=USAGE) is turn


def test_a_steered_answer_is_followed_by_one_that_nobody_asked_for(conversation: Conversation):
    turn = ask(conversation)
    hear(conversation, "created")
    assert conversation.sent({"type": "response.steer", "previous_response_id": "resp_1", "input": "shorter"}, 90) is None
    hear(conversation, "incomplete", usage=USAGE)
    next_turn = hear(conversation, "created", "resp_2", previous_response_id="resp_1")
    assert next_turn is not None
    assert next_turn is not turn
    assert (next_turn.asked_model, next_turn.held_tokens) == ("gpt-5.2-2026", 37)


def test_an_error_in_the_place_of_an_answer(conversation: Conversation):
    turn = ask(conversation)
    assert conversation.received({"type": "error", "status": 400, "error": {"message": "no"}}) is turn
    assert (turn.complete, turn.status, turn.usage) == (True, 400, None)
    assert conversation.received({"type": "error", "status": 400, "error": {"message": "no"}}) is None


def test_an_error_within_an_answer_leaves_it_to_be_paid(conversation: Conversation):
    turn = ask(conversation)
    hear(conversation, "created")
    conversation.received({"type": "response.output_text.delta", "delta": "Hello"})
    assert conversation.received({"type": "error", "status": 500, "error": {"message": "no"}}) is turn
    assert (turn.complete, turn.status, turn.output_chars) == (True, 200, 5)


def test_a_refused_turn_is_forgotten_and_its_client_told(conversation: Conversation):
    conversation.forget(ask(conversation))
    turn = ask(conversation)
    assert hear(conversation, "created") is turn
    error = {"error": {"message": "no", "type": "invalid_request_error"}}
    assert conversation.refusal({"stream_id": "a"}, 400, error) == {"type": "error", "status": 400, **error, "stream_id": "a"}


@pytest.mark.parametrize(
    "message", [{}, {"type": 7}, {"type": "response.created", "response": 3}, {"type": "error", "status": "x"}]
)
def test_odd_messages(conversation: Conversation, message: JsonObject):
    assert conversation.sent(message, 10) is None
    conversation.received(message)
    ask(conversation)
    conversation.received(message)
