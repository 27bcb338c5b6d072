"""Answers in their envelope, cut anywhere."""

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from sallyport.providers.usage import Meter, Usage
from sallyport.providers.wire.google_code_assist import GoogleCodeAssist

USAGE = {"promptTokenCount": 12, "cachedContentTokenCount": 4, "candidatesTokenCount": 5, "thoughtsTokenCount": 3}


def answer(text: str, **more: object) -> dict[str, object]:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **more}
    return {"response": {"candidates": [candidate], "modelVersion": "gemini-2.5-pro", "usageMetadata": USAGE}, "traceId": "t"}


def meter(content_type: str) -> Meter:
    return GoogleCodeAssist().meter(status=200, headers={"content-type": content_type}, prepared=False)


STREAM = b"".join(
    b"data: " + json.dumps(event).encode() + b"\r\n\r\n" for event in (answer("hel"), answer("lo", finishReason="STOP"))
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_a_stream_cut_anywhere(cuts: list[int]):
    read = meter("text/event-stream")
    places = [0, *sorted(cuts), len(STREAM)]
    assert b"".join(read.feed(STREAM[start:end]) for start, end in itertools.pairwise(places)) == STREAM
    assert read.complete
    assert read.model == "gemini-2.5-pro"
    assert read.usage == Usage(input_tokens=12, output_tokens=8, cache_read_tokens=4, reasoning_tokens=3)
    assert read.output_chars == 5


def test_a_whole_answer():
    read = meter("application/json")
    read.feed(json.dumps(answer("hello", finishReason="STOP")).encode())
    assert read.complete
    assert read.usage
    assert read.usage.input_tokens == 12


def test_a_stream_is_ended_in_its_own_envelope():
    read = meter("text/event-stream")
    read.feed(STREAM[: STREAM.index(b"\r\n\r\n") + 4])
    ending = read.ending("stopped", Usage(input_tokens=1, output_tokens=2))
    assert ending
    last = json.loads(ending.removeprefix(b"data: "))["response"]
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert "stopped" in last["candidates"][0]["content"]["parts"][0]["text"]
