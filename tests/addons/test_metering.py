"""How an answer is read, and what its client gets of it."""

import gzip
import json

import pytest
from mitmproxy import http

from addons.context import Call
from addons.metering import tap_for
from sallyport.providers.base import Operation
from sallyport.providers.wire.openai_chat import OpenAIChat
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.restore import Restorer
from sallyport.store.snapshot import Snapshot
from sallyport.tracing.record import CallRecord

VALUE = "hunter2-hunter2"
_NAMES = Placeholders(b"k", lambda _: True)
MARK = _NAMES.name("PASSWORD", VALUE)
CONTENT = json.dumps({"choices": [{"message": {"content": f"it is {MARK}"}}], "usage": {"prompt_tokens": 7}}).encode()


def answered(content: bytes, coding: str, *, status: int = 200, restores: bool = True) -> tuple[http.Response, bytes, Call]:
    response = http.Response.make(status, content, {"content-type": "application/json", "content-encoding": coding})
    response.headers["content-length"] = str(len(content))
    call = Call(CallRecord("1", 0.0), Snapshot(), operation=Operation("chat", OpenAIChat()))
    call.restorer = Restorer(_NAMES.values) if restores else None
    tap = tap_for(response, call)
    return response, b"".join(map(tap, (content[:40], content[40:], b""))), call


@pytest.mark.parametrize("coding", ["", "gzip"])
def test_restored_it_is_plain_and_of_unknown_length_and_metered_as_it_came(coding: str):
    response, got, call = answered(gzip.compress(CONTENT) if coding else CONTENT, coding)
    assert got == CONTENT.replace(MARK.encode(), VALUE.encode())
    assert "content-length" not in response.headers
    assert "content-encoding" not in response.headers
    assert call.meter
    assert call.meter.usage
    assert call.meter.usage.input_tokens == 7


@pytest.mark.parametrize(("status", "restores"), [(200, False), (400, True)])
def test_errors_and_what_nobody_asked_to_restore_pass_as_they_came(status: int, restores: bool):
    content = gzip.compress(CONTENT)
    response, got, _ = answered(content, "gzip", status=status, restores=restores)
    assert got == content
    assert response.headers["content-length"] == str(len(content))
