"""Values come back in every format's stream, wherever it is cut."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.restored_answer import restored_answer
from sallyport.providers.base import WireFormat
from sallyport.providers.wire.anthropic_messages import AnthropicMessages
from sallyport.providers.wire.bedrock_converse import BedrockConverse
from sallyport.providers.wire.google_generate import GoogleGenerate
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.redaction.answer import AnswerRedactor
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.restore import Restorer
from tests.addons.answers import ANSWERS, FRAMES, JSON, SSE, Answer

SECRET, ODD = "hunter2-hunter2", 'p"a\\ss\n\tw0rd é\U0001f600'
_names = Placeholders(b"k" * 32, lambda _: True)
NAME, ODD_NAME = _names.name("PASSWORD", SECRET), _names.name("PASSWORD", ODD)
UNKNOWN = Placeholders(b"other").name("PASSWORD", SECRET)
VALUES = _names.values


def restore(answer: Answer, chunks: Iterable[bytes]) -> bytes:
    restored = restored_answer(answer.media_type, Restorer(VALUES), answer.wire)
    assert restored
    return b"".join([*map(restored.feed, chunks), restored.finish()])


def restore_whole(wire: WireFormat, document: Any) -> Any:
    restored = restored_answer(JSON, Restorer(VALUES), wire)
    assert restored
    return json.loads(restored.feed(json.dumps(document).encode()) + restored.finish())


def meant(answer: Answer, text: str) -> str:
    for name, value in VALUES.items():
        text = text.replace(name, json.dumps(value, ensure_ascii=False)[1:-1] if answer.escaped else value)
    return text


def cut(text: str, places: Iterable[int]) -> list[str]:
    return [text[start:end] for start, end in pairwise([0, *sorted(places), len(text)])]


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
@pytest.mark.parametrize("text", [f'{{"a": "{ODD_NAME}[{NAME}"}}', f"{UNKNOWN} [{NAME[:20]}", f"{NAME}["])
def test_wherever_the_text_is_cut_into_pieces(answer: Answer, text: str):
    for places in combinations(range(0, len(text) + 1, 3), 2):
        assert answer.read(restore(answer, [answer.write(cut(text, places))])) == meant(answer, text)


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_wherever_the_bytes_are_cut_into_chunks(answer: Answer):
    data = answer.write(cut(f"use {NAME} and {ODD_NAME}, or [", (3, 12, 30, 41, 80)))
    whole = restore(answer, [data])
    assert all(restore(answer, (data[:place], data[place:])) == whole for place in range(0, len(data), 3))
    assert restore(answer, (bytes((byte,)) for byte in data)) == whole


_parts = st.sampled_from([NAME, ODD_NAME, UNKNOWN, "[", NAME[:9], ODD_NAME[:-1], "]", " plain ", "\\u005b", "é"])


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
@settings(deadline=None, max_examples=60)
@given(parts=st.lists(_parts, max_size=6), data=st.data())
def test_any_text_in_any_pieces_and_chunks(answer: Answer, parts: list[str], data: st.DataObject):
    text = "".join(parts)
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    stream = answer.write(cut(text, places))
    chunk = data.draw(st.integers(1, len(stream)))
    restored = restore(answer, (stream[start : start + chunk] for start in range(0, len(stream), chunk)))
    assert answer.read(restored) == meant(answer, text)


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_what_holds_no_placeholder_passes_byte_by_byte(answer: Answer):
    data = answer.write(["a [b", "] c(", "d é", "", " e"])
    assert restore(answer, (data[:50], data[50:])) == data


@pytest.mark.parametrize("answer", [answer for answer in ANSWERS if not answer.name.startswith("invoke")], ids=str)
@pytest.mark.parametrize(("said", "passed"), [(f"sure {NAME[:2]}", "sure "), ("sure [X", "sure [X"), (f"{NAME}x", f"{SECRET}x")])
def test_only_what_may_become_a_known_placeholder_is_held_back(answer: Answer, said: str, passed: str):
    """The stream stands still after the event that says it."""
    one, other = answer.write([said, "a"]), answer.write([said, "b"])
    so_far = one[: next(place for place, bytes_ in enumerate(zip(one, other, strict=True)) if bytes_[0] != bytes_[1])]
    restored = restored_answer(answer.media_type, Restorer(VALUES), answer.wire)
    assert restored
    assert f'"{passed}"'.encode() in restored.feed(so_far)


def test_a_tools_arguments_are_json_within_json():
    arguments = json.dumps({"content": f"A={ODD_NAME}"})
    call = {"id": "call_1", "type": "function", "function": {"name": "write", "arguments": arguments}}
    body = {"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"content": None, "tool_calls": [call]}}]}
    (restored,) = restore_whole(OpenAIChat(), body)["choices"][0]["message"]["tool_calls"]
    assert json.loads(restored["function"]["arguments"]) == {"content": f"A={ODD}"}
    body = {"type": "message", "content": [{"type": "tool_use", "name": "write", "input": {"input": ODD_NAME, NAME: [NAME]}}]}
    assert restore_whole(AnthropicMessages(), body)["content"][0]["input"] == {"input": ODD, SECRET: [SECRET]}
    part = {"toolUse": {"name": "write", "input": {"input": ODD_NAME, "error": NAME}}}
    body = {"output": {"message": {"content": [part]}}}
    restored = restore_whole(BedrockConverse(), body)["output"]["message"]["content"][0]["toolUse"]
    assert restored["input"] == {"input": ODD, "error": SECRET}


@pytest.mark.parametrize(
    ("media_type", "wire", "event"),
    [
        (SSE, AnthropicMessages(), {"type": "error", "error": {"type": "api_error", "message": f"odd: {NAME}"}}),
        (SSE, OpenAIChat(), {"error": {"message": f"odd: {NAME}"}}),
        (JSON, GoogleGenerate(), {"error": {"code": 400, "message": f"odd: {NAME}"}}),
        (
            SSE,
            AnthropicMessages(),
            {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": NAME}},
        ),
        (JSON, AnthropicMessages(), {"type": "message", "content": [{"type": "thinking", "thinking": NAME, "signature": "x"}]}),
        (JSON, GoogleGenerate(), {"candidates": [{"content": {"parts": [{"text": NAME, "thought": True}]}}]}),
        (JSON, OpenAIChat(), {"choices": [{"message": {"content": "a", "reasoning_content": NAME}}]}),
    ],
)
def test_errors_and_thoughts_stay_as_they_came(media_type: str, wire: WireFormat, event: Any):
    data = json.dumps(event).encode()
    data = b"data: " + data + b"\n\n" if media_type == SSE else data
    restored = restored_answer(media_type, Restorer(VALUES), wire)
    assert restored
    assert restored.feed(data) + restored.finish() == data


def test_texts_that_run_beside_each_other_do_not_mix():
    def chunk(index: int, text: str, finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": {"content": text}, "finish_reason": finish}
        return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"

    data = chunk(0, NAME[:10]) + chunk(1, NAME[:12]) + chunk(0, NAME[10:], "stop") + chunk(1, NAME[12:]) + chunk(1, "", "stop")
    restored = restored_answer(SSE, Restorer(VALUES), OpenAIChat())
    assert restored
    lines = (restored.feed(data) + restored.finish()).decode().split("\n\n")[:-1]
    said = [json.loads(line.removeprefix("data: "))["choices"][0] for line in lines]
    assert [(choice["index"], choice["delta"]["content"]) for choice in said] == [
        (0, ""),
        (1, ""),
        (0, SECRET),
        (1, SECRET),
        (1, ""),
    ]


def test_a_stream_that_dies_gives_up_what_was_held():
    data = b'data: {"choices":[{"index":0,"delta":{"content":"so [SAFE_TO"}}]}\n\n'
    restored = restored_answer(SSE, Restorer(VALUES), OpenAIChat())
    assert restored
    assert restored.feed(data) == data.replace(b"[SAFE_TO", b"")
    assert b'"[SAFE_TO"' in restored.finish()


@pytest.mark.parametrize(
    ("media_type", "data"), [(FRAMES, b"no frames at all, really none"), (SSE, b"data: {broken\n\n"), (JSON, b"[1")]
)
def test_what_cannot_be_read_passes_as_it_came(media_type: str, data: bytes):
    restored = restored_answer(media_type, Restorer(VALUES), OpenAIChat())
    assert restored
    assert restored.feed(data) + restored.finish() == data


def test_sound_and_pictures_are_not_looked_at():
    assert restored_answer("audio/mpeg", Restorer(VALUES), OpenAIChat()) is None


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_what_an_answer_gives_away_is_taken_out_and_what_was_sent_comes_back(answer: Answer):
    token, found = "ghp_16C7e42F292c6912E7710c838347Ae178B4a", list[str]()
    text = json.dumps({"token": token, "password": NAME, "again": token})
    redactor = AnswerRedactor(Placeholders(b"k"), Restorer(VALUES), pii=True, secrets=True, found=found.append)
    for places in ((), (15, 20, 30), range(1, len(text))):
        restored = restored_answer(answer.media_type, redactor, answer.wire)
        assert restored
        read = answer.read(restored.feed(answer.write(cut(text, places))) + restored.finish())
        assert token not in read
        assert read.count("[SAFE_TO_USE:GITHUB_PAT_") == 2
        assert SECRET in read
    assert found == ["GITHUB_PAT"]
