"""The bytes that end a stream, after so many of its events. That SDKs take them: tests/addons/test_stopped_streams.py."""

from __future__ import annotations

import pytest

from sallyport.providers.usage import Usage
from sallyport.providers.wire.google_generate import GoogleGenerate
from sallyport.providers.wire.openai_chat import OpenAIChat
from tests.sallyport.providers.wire.streams import STREAMS

_CHAT = b'{"model":"gpt-4o-mini","id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"choices":'
_FRAME = b"\r:content-type\x07\x00\x10application/json\r:message-type\x07\x00"

GOLDEN = [
    pytest.param(
        *("anthropic", 8),
        b"event: content_block_delta\n"
        b'data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"\\n\\nno more"}}\n\n'
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":1}\n\n'
        b"event: message_delta\n"
        b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":20}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
        id="anthropic",
    ),
    pytest.param(
        *("anthropic", 2),
        b'event: error\ndata: {"type":"error","error":{"type":"invalid_request_error","message":"no more"}}\n\n',
        id="anthropic-thinking",
    ),
    pytest.param(
        *("chat-with-usage", 2),
        b"data: " + _CHAT + b'[{"index":0,"delta":{"role":"assistant","content":"\\n\\nno more"},"finish_reason":null}]}\n\n'
        b"data: " + _CHAT + b'[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        b"data: " + _CHAT + b'[],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}}\n\n'
        b"data: [DONE]\n\n",
        id="chat",
    ),
    pytest.param(
        *("chat", 5),
        b'data: {"error":{"message":"no more","type":"invalid_request_error","param":null,"code":null}}\n\ndata: [DONE]\n\n',
        id="chat-tool",
    ),
    pytest.param(
        *("responses", 6),
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"msg_1","output_index":1,'
        b'"content_index":0,"delta":"\\n\\nno more","logprobs":[],"sequence_number":6}\n\n'
        b'event: response.failed\ndata: {"type":"response.failed","response":{"id":"resp_1","object":"response","created_at":7,'
        b'"model":"gpt-5-mini","output":[{"id":"msg_gateway","type":"message","status":"completed","role":"assistant","content":'
        b'[{"type":"output_text","annotations":[],"logprobs":[],"text":"no more"}]}],"tools":[],"status":"failed","error":{'
        b'"code":"invalid_prompt","message":"no more"},"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":0},'
        b'"output_tokens":20,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":30}},"sequence_number":7}\n\n',
        id="responses",
    ),
    pytest.param(
        *("gemini", 1),
        b'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"\\n\\nno more"}]},"finishReason":"STOP","index":0}],'
        b'"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":20,"totalTokenCount":30},'
        b'"modelVersion":"gemini-2.5-flash"}\n\n',
        id="gemini",
    ),
    pytest.param(
        *("converse", 2),
        b"\x00\x00\x00\x9d\x00\x00\x00W\xb9\xbb\xf8\x9f\x0b:event-type\x07\x00\x11contentBlockDelta" + _FRAME + b"\x05event"
        b'{"contentBlockIndex":0,"delta":{"text":"\\n\\nno more"}}\x87F?\x7f'
        b"\x00\x00\x00}\x00\x00\x00V\xe6h\x0f\xd6\x0b:event-type\x07\x00\x10contentBlockStop" + _FRAME + b"\x05event"
        b'{"contentBlockIndex":0}\xb3.M4'
        b"\x00\x00\x00z\x00\x00\x00Q\xca,Fe\x0b:event-type\x07\x00\x0bmessageStop" + _FRAME + b"\x05event"
        b'{"stopReason":"end_turn"}_\xbf\t\xfc'
        b"\x00\x00\x00\xb7\x00\x00\x00NV\xa1g\xfa\x0b:event-type\x07\x00\x08metadata" + _FRAME + b"\x05event"
        b'{"usage":{"inputTokens":10,"outputTokens":20,"totalTokens":30},"metrics":{"latencyMs":0}}\xd4\xc3\x10\xc7',
        id="converse",
    ),
    pytest.param(
        *("invoke", 2),
        b"\x00\x00\x00\x86\x00\x00\x00aa1\xcb\x95\x0f:exception-type\x07\x00\x13validationException" + _FRAME + b"\x09exception"
        b'{"message":"no more"}\xe27\xea\xab',
        id="invoke-thinking",
    ),
]


@pytest.mark.parametrize(("name", "after", "ending"), GOLDEN)
def test_the_ending(name: str, after: int, ending: bytes):
    stream = STREAMS[name]
    meter = stream.wire.meter(status=200, headers={"content-type": stream.content_type}, prepared=False)
    for event, _ in stream.events[:after]:
        meter.feed(event)
    assert meter.ending("no more", Usage(input_tokens=10, output_tokens=20)) == ending


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_that_has_said_its_end_has_no_other(name: str):
    stream = STREAMS[name]
    meter = stream.wire.meter(status=200, headers={"content-type": stream.content_type}, prepared=False)
    meter.feed(stream.data)
    assert meter.ending("no more", Usage()) is None


def test_each_unfinished_choice_is_ended():
    meter = OpenAIChat().meter(status=200, headers={"content-type": "text/event-stream"}, prepared=True)
    for index, reason in ((0, None), (1, None), (0, '"stop"')):
        finish = f',"finish_reason":{reason}' if reason else ""
        meter.feed(b'data: {"object":"text_completion","choices":[{"index":%d,"text":"a"%s}]}\n\n' % (index, finish.encode()))
    ending = meter.ending("no more", Usage())
    assert ending is not None
    assert b'"index":0' not in ending
    assert b'{"index":1,"text":"\\n\\nno more","logprobs":null,"finish_reason":null}' in ending


def test_a_document_can_not_be_ended():
    for wire in (GoogleGenerate(), *(stream.wire for stream in STREAMS.values())):
        meter = wire.meter(status=200, headers={"content-type": "application/json"}, prepared=False)
        meter.feed(b'{"a": ')
        assert meter.ending("no more", Usage()) is None
