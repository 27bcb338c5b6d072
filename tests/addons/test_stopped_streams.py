"""A stream that is stopped anywhere, in whatever pieces it came, is whole to the vendor's own SDK, and shows the message."""

# The SDKs answer with unions of every type an API may send; a test knows which one came.
# pyright: basic, reportArgumentType=false, reportOptionalMemberAccess=false, reportOptionalSubscript=false
from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import accumulate, pairwise
from types import ModuleType
from typing import Any

import anthropic
import boto3
import botocore.parsers
import httpx
import httpx2
import openai
import pytest
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError
from google import genai
from google.genai.types import HttpOptions
from hypothesis import given, settings
from hypothesis import strategies as st

from addons.refusal import Refusal
from addons.response_tap import ResponseTap
from sallyport.providers.usage import Usage
from tests.sallyport.providers.wire.streams import STREAMS, Stream

MESSAGE = 'request blocked by gateway policies: "Ünspent". The spend limit is used up until 2026-12-01 00:00 UTC'
USAGE = Usage(input_tokens=10, output_tokens=20)


class Errored(Exception):
    """The SDK raised, and this is what it shows."""


def _client(body: bytes, http: ModuleType = httpx2) -> Any:
    """An HTTP client that gets this answer, whatever it asks."""
    answer = http.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    return http.Client(transport=http.MockTransport(lambda _: answer))


def read_anthropic(body: bytes) -> str:
    api = anthropic.Anthropic(api_key="k", http_client=_client(body), max_retries=0)
    messages = [{"role": "user", "content": "hi"}]
    try:
        with api.messages.stream(model="claude-haiku-4-5", max_tokens=9, messages=messages) as stream:
            final = stream.get_final_message()
    except anthropic.APIStatusError as error:
        raise Errored(str(error)) from error
    assert final.stop_reason == "end_turn"
    return "".join(block.text for block in final.content if block.type == "text")


def read_chat(body: bytes) -> str:
    api = openai.OpenAI(api_key="k", http_client=_client(body), max_retries=0)
    text, reasons = "", []
    try:
        for chunk in api.chat.completions.create(model="m", messages=[], stream=True):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reasons += [choice.finish_reason] if choice.finish_reason else []
    except openai.APIError as error:
        raise Errored(str(error)) from error
    assert reasons == ["stop"]
    return text


def read_responses(body: bytes) -> str:
    api = openai.OpenAI(api_key="k", http_client=_client(body), max_retries=0)
    events = list(api.responses.create(model="m", input="hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.failed"
    error = events[-1].response.error
    assert (error.code, error.message) == ("invalid_prompt", MESSAGE)
    assert events[-1].response.output_text == MESSAGE
    with api.responses.stream(model="m", input="hi") as stream:  # the SDK's own accumulation finds every place it is told of
        assert len(list(stream)) >= len(events)
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def read_gemini(body: bytes) -> str:
    options = HttpOptions(httpx_client=_client(body, httpx))
    chunks = list(genai.Client(api_key="k", http_options=options).models.generate_content_stream(model="m", contents="hi"))
    assert chunks[-1].candidates[0].finish_reason.name == "STOP"
    return "".join(chunk.text or "" for chunk in chunks)


def _frames(operation: str, member: str, body: bytes) -> Iterator[dict]:
    class Raw:
        def stream(self) -> Iterator[bytes]:
            yield body

        def close(self) -> None: ...

    model = BEDROCK.meta.service_model.operation_model(operation)
    parser = botocore.parsers.EventStreamJSONParser()
    stream = EventStream(Raw(), model.output_shape.members[member], parser, operation)
    try:
        yield from stream
    except EventStreamError as error:
        raise Errored(str(error)) from error


BEDROCK = boto3.client("bedrock-runtime", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def read_converse(body: bytes) -> str:
    events = list(_frames("ConverseStream", "stream", body))
    assert "messageStart" in events[0]
    assert events[-2] == {"messageStop": {"stopReason": "end_turn"}}
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 20
    return "".join(event["contentBlockDelta"]["delta"].get("text", "") for event in events if "contentBlockDelta" in event)


def read_invoke(body: bytes) -> str:
    events = [json.loads(event["chunk"]["bytes"]) for event in _frames("InvokeModelWithResponseStream", "body", body)]
    assert events[0]["type"] == "message_start"
    assert events[-1]["type"] == "message_stop"
    return "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")


READERS = {
    "anthropic": read_anthropic,
    "chat": read_chat,
    "chat-with-usage": read_chat,
    "responses": read_responses,
    "gemini": read_gemini,
    "converse": read_converse,
    "invoke": read_invoke,
}


def stopped(stream: Stream, pieces: list[bytes], after: int, *, prepared: bool) -> tuple[bytes, bool]:
    """What the client gets of the pieces when the stream is stopped with the last byte of piece `after`."""
    headers = {"content-type": stream.content_type}
    tap = ResponseTap(stream.wire.meter(status=200, headers=headers, prepared=prepared), None, events=True)
    client = b""
    for number, piece in enumerate(pieces):
        data = tap(piece)
        if number == after:
            tap.stop(Refusal(402, "spend_limit", MESSAGE), USAGE)
        client += tap.until_stopped(data)
        if tap.stopped:
            assert tap.complete
            assert not tap.cut
            return client, True
    return client + tap(b""), False


@pytest.mark.parametrize("name", STREAMS)
@settings(deadline=None)  # the SDKs take their time at first
@given(cuts=st.lists(st.integers(1, 4000), max_size=12), choice=st.integers(0, 12), prepared=st.booleans())
def test_a_stream_stopped_anywhere(name: str, cuts: list[int], choice: int, prepared: bool):
    stream = STREAMS[name]
    size = len(stream.data)
    places = sorted({0, size, *(cut % size for cut in cuts)})
    pieces = [stream.data[start:end] for start, end in pairwise(places)]
    client, was_stopped = stopped(stream, pieces, choice % len(pieces), prepared=prepared)
    if not was_stopped:
        assert client == stream.data
        return
    check(name, stream, client)


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_stopped_after_each_of_its_bytes(name: str):
    stream = STREAMS[name]
    outcomes: set[bytes] = set()
    for at in range(1, len(stream.data)):
        client, was_stopped = stopped(stream, [stream.data[:at], stream.data[at:]], 0, prepared=False)
        if was_stopped:
            outcomes.add(client)
        else:
            assert client == stream.data
    assert len(outcomes) > len(stream.events) // 2
    for client in outcomes:
        check(name, stream, client)


def check(name: str, stream: Stream, client: bytes) -> None:
    ends = [*accumulate((len(event) for event, _ in stream.events), initial=0)]
    whole = max(number for number, end in enumerate(ends) if client.startswith(stream.data[:end]))
    said = "".join(text for _, text in stream.events[:whole])
    try:
        text = READERS[name](client)
    except Errored as error:
        shown = str(error)
        assert said == "Héllo there" or name in ("anthropic", "invoke")  # a tool call, or signed thoughts, half-written
    else:
        assert text.startswith(said)
        shown = text.removeprefix(said).strip()
    assert MESSAGE in shown
