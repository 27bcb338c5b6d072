from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sallyport.tracing.langsmith_chat import chat_inputs, chat_outputs

CALL = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}


def test_openais_own_shapes_are_left_alone() -> None:
    chat = {"model": "gpt-5", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}
    responses = {"model": "gpt-5", "instructions": "be kind", "input": "hi"}
    assert (chat_inputs(chat), chat_inputs(responses)) == (chat, responses)
    completion = {"choices": [{"message": {"role": "assistant", "content": "hello"}}]}
    assert chat_outputs(completion) == completion


def test_anthropics_system_prompt_is_the_first_message() -> None:
    system = [{"type": "text", "text": "be"}, {"type": "text", "text": "kind"}]
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [{"type": "text", "text": "hello"}]}]
    assert chat_inputs({"model": "claude", "system": system, "messages": messages, "max_tokens": 5}) == {
        "messages": [
            {"role": "system", "content": "be\nkind"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "hello"},
        ],
        "model": "claude",
        "max_tokens": 5,
    }


def test_anthropics_answer_is_a_message_with_tool_calls() -> None:
    thinking = {"type": "thinking", "thinking": "hm"}
    content = [thinking, {"type": "text", "text": "ok"}, {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]
    answer: dict[str, Any] = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": "tool_use",
        "usage": {},
    }
    assert chat_outputs(answer) == {
        "id": "m",
        "role": "assistant",
        "content": [thinking, {"type": "text", "text": "ok"}],
        "tool_calls": [CALL],
        "stop_reason": "tool_use",
    }


def test_googles_contents_are_messages() -> None:
    body: dict[str, Any] = {
        "systemInstruction": {"parts": [{"text": "be kind"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "hi"}]},
            {"role": "model", "parts": [{"functionCall": {"id": "t1", "name": "f", "args": {"a": 1}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]},
        ],
    }
    system, user, model, result = chat_inputs(body)["messages"]
    assert (system, user) == ({"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"})
    assert model == {"role": "assistant", "content": "", "tool_calls": [CALL]}
    assert result["content"] == [{"type": "functionResponse", "functionResponse": {"name": "f", "response": {}}}]


def test_googles_answer_is_a_message() -> None:
    candidate = {"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP"}
    assert chat_outputs({"candidates": [candidate], "usageMetadata": {}, "modelVersion": "g"}) == {
        "role": "assistant",
        "content": "hello",
        "finish_reason": "STOP",
        "modelVersion": "g",
    }


def test_converse() -> None:
    result = {"toolResult": {"toolUseId": "t1", "content": [{"text": "1"}]}}
    body = {"system": [{"text": "be kind"}], "messages": [{"role": "user", "content": [{"text": "hi"}, result]}]}
    system, user = chat_inputs(body)["messages"]
    assert system == {"role": "system", "content": "be kind"}
    assert user["content"][1] == {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "1"}]}
    message = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": 1}}}]}
    assert chat_outputs({"output": {"message": message}, "stopReason": "tool_use", "usage": {}}) == {
        "role": "assistant",
        "content": "",
        "tool_calls": [CALL],
        "stopReason": "tool_use",
    }


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["messages", "system", "contents", "parts", "content", "type", "text", "role", "candidates", "output"]
            )
            | st.sampled_from(["message", "toolUse", "toolResult", "functionCall", "input", "args", "systemInstruction"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(_JSON)
def test_whatever_a_client_sends_can_be_shown(body: Any) -> None:
    assert isinstance(chat_inputs(body), dict)
    assert isinstance(chat_outputs(body), dict)
