"""A stream, told once it is over."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.whole import whole_answer
from tests.sallyport.providers.wire.streams import SSE, STREAMS

TEXT = "Héllo there"


def told(name: str) -> dict[str, Any]:
    stream = STREAMS[name]
    answer = whole_answer(stream.wire.name, stream.content_type, stream.data)
    assert answer is not None
    return answer


@pytest.mark.parametrize("name", ["chat", "chat-with-usage"])
def test_a_chat_completion(name: str) -> None:
    answer = told(name)
    assert (answer["object"], answer["model"]) == ("chat.completion", "gpt-4o-mini")
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    message = {"role": "assistant", "content": TEXT, "tool_calls": [call]}
    assert answer["choices"] == [{"index": 0, "message": message, "finish_reason": "tool_calls"}]


@pytest.mark.parametrize("name", ["anthropic", "invoke"])
def test_an_anthropic_message(name: str) -> None:
    answer = told(name)
    assert answer["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "EqQB"},
        {"type": "text", "text": TEXT},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
    ]
    assert (answer["role"], answer["stop_reason"]) == ("assistant", "tool_use")
    assert answer["usage"] == {"input_tokens": 25, "output_tokens": 9}


def test_a_response_is_put_together_where_its_last_event_leaves_the_output_out() -> None:
    answer = told("responses")
    assert answer["status"] == "completed"
    reasoning, message, call = answer["output"]
    assert reasoning["type"] == "reasoning"
    assert message["content"] == [{"type": "output_text", "text": TEXT}]
    assert (call["name"], call["arguments"]) == ("f", '{"a')


def test_a_response_is_taken_whole_from_its_last_event() -> None:
    response = {"id": "resp_1", "output": [{"type": "message", "content": [{"type": "output_text", "text": TEXT}]}]}
    data = f"data: {json.dumps({'type': 'response.completed', 'response': response})}\n\n".encode()
    assert whole_answer("openai_responses", SSE, data) == response


def test_googles_parts_go_on_where_they_stopped() -> None:
    answer = told("gemini")
    (candidate,) = answer["candidates"]
    assert candidate["content"] == {"role": "model", "parts": [{"text": f"{TEXT}!"}]}
    assert candidate["finishReason"] == "STOP"
    assert answer["modelVersion"] == "gemini-2.5-flash"


def test_googles_answers_in_an_array() -> None:
    parts: list[Any] = [{"text": "a"}, {"text": "b", "thought": True}, {"functionCall": {"name": "f", "args": {}}}]
    data = json.dumps([{"candidates": [{"content": {"parts": [part]}}]} for part in parts]).encode()
    answer = whole_answer("google_generate", "application/json", data)
    assert answer is not None
    assert answer["candidates"][0]["content"]["parts"] == parts


def test_a_converse_message() -> None:
    answer = told("converse")
    content = [{"text": TEXT}, {"toolUse": {"toolUseId": "t1", "name": "f", "input": '{"a'}}]
    assert answer["output"]["message"] == {"role": "assistant", "content": content}
    assert (answer["stopReason"], answer["usage"]["outputTokens"]) == ("tool_use", 5)


def test_a_cohere_message() -> None:
    events: list[dict[str, Any]] = [
        {"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": ""}}},
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I ask"}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Héllo"}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": " there"}}}},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
    ]
    data = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
    assert whole_answer("cohere_chat", SSE, data) == {
        "id": "m1",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "tool_plan": "I ask", "content": [{"type": "text", "text": TEXT}]},
    }


def test_ollamas_lines() -> None:
    lines = [{"message": {"role": "assistant", "content": piece}, "done": False} for piece in ("Héllo", " there")]
    data = "\n".join(json.dumps(line) for line in [*lines, {"done": True, "eval_count": 2}]).encode()
    answer = whole_answer("ollama", "application/x-ndjson", data)
    assert answer == {"message": {"role": "assistant", "content": TEXT}, "done": True, "eval_count": 2}


def test_what_did_not_stream_is_the_answer_itself() -> None:
    document = {"choices": [{"message": {"content": "hi\n"}}]}
    assert whole_answer("openai_chat", "application/json", json.dumps(document, indent=1).encode()) == document


def test_vectors_are_not_for_reading() -> None:
    assert whole_answer("openai_embeddings", "application/json", b'{"data": []}') is None


@pytest.mark.parametrize("name", STREAMS)
@given(cut=st.integers(min_value=0, max_value=5000))
def test_a_broken_stream_tells_what_it_can(name: str, cut: int) -> None:
    stream = STREAMS[name]
    answer = whole_answer(stream.wire.name, stream.content_type, stream.data[:cut])
    assert answer is None or isinstance(answer, dict)


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "index", "delta", "choices", "message", "content", "item", "response", "candidates", "parts"]
            )
            | st.sampled_from(
                ["text", "tool_calls", "output_index", "content_block", "contentBlockDelta", "toolUse", "input", "start"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(wire=st.sampled_from([stream.wire.name for stream in STREAMS.values()]), events=st.lists(_JSON, max_size=4))
def test_nothing_that_a_provider_could_send_breaks_it(wire: str, events: list[Any]) -> None:
    data = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
    whole_answer(wire, SSE, data)


def test_nesting_beyond_reason_breaks_nothing() -> None:
    deep = '{"a":' * 1000 + "1" + "}" * 1000
    data = f'data: {{"choices": [{{"delta": {deep}}}]}}\n\n'.encode() * 2
    whole_answer("openai_chat", SSE, data)
