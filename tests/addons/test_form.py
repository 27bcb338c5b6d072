"""What a guard makes of a form as it passes: fields, text files and lines of JSON are clean, all other bytes are as they were."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy import http

from addons.context import call_of
from addons.form import Form, FormText
from addons.identify import Identify
from addons.multipart import FormError
from addons.redact import Redact
from addons.route import Route
from addons.services import Services
from sallyport.providers.wire.stored import Stored
from tests.addons.support import KEYS, MakeFlow, known, make_policy, make_snapshot

EMAIL = b"ada.lovelace@example.com"
GUARD = make_policy(
    "guard",
    {"version": 1, "detect": {"pii": True, "secrets": True}, "timeout_seconds": 5, "on_timeout": "block", "restore": False},
)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def part(name: str, body: bytes, filename: str | None = None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + body + b"\r\n"


def upload(services: Services, make_flow: MakeFlow, path: str = "/openai/v1/files") -> http.HTTPFlow:
    flow = make_flow(
        path=path, content=b"", content_type="multipart/form-data; boundary=b", content_length="1000", x_gateway_key=KEYS["good"]
    )
    Route(services).requestheaders(flow)
    Identify(services).requestheaders(flow)
    Redact(services).requestheaders(flow)
    return flow


async def sent(services: Services, flow: http.HTTPFlow, data: bytes, piece: int = 1000) -> bytes:
    """What leaves of a form that comes in pieces."""
    redact, form = Redact(services), known(known(call_of(flow)).form)
    left = b""
    for start in range(0, len(data), piece):
        for item in form.feed(data[start : start + piece]):
            if isinstance(item, FormText):
                await redact.form_text(flow, item)
            else:
                left += item
    return left + form.end()


@pytest.fixture
def guarded(services: Services) -> Services:
    services.snapshot = make_snapshot(policies=(GUARD,))
    return services


async def test_fields_and_text_files_are_guarded_and_nothing_else_changes(guarded: Services, make_flow: MakeFlow):
    lines = b"".join(b'{"custom_id":"%d","body":{"model":"gpt-4o","x": [1.0,  2]}}\n' % number for number in range(3))
    mail = b'{"custom_id": "3", "body": {"messages": [{"role": "user", "content": "write to ' + EMAIL + b'"}]}}\r\n'
    data = (
        part("purpose", b"batch")
        + part("prompt", b"mail " + EMAIL)
        + part("file", lines + mail + lines, "a.jsonl")
        + part("image", PNG + EMAIL, "a.png")
        + part("notes", b"h\xc3\xa9llo\n" + EMAIL + b"\n", "a.txt")
        + b"--b--\r\n"
    )
    flow = upload(guarded, make_flow)
    left = await sent(guarded, flow, data, piece=100)
    call = known(call_of(flow))
    assert call.record.redactions == {"EMAIL": 3}
    mark = left.partition(b"mail ")[2].partition(b"\r\n")[0]
    assert mark.startswith(b"[SAFE_TO_USE:EMAIL_")
    assert left == data.replace(EMAIL, mark).replace(PNG + mark, PNG + EMAIL)
    assert "content-length" not in flow.request.headers


async def test_without_a_guard_a_form_keeps_its_length(services: Services, make_flow: MakeFlow):
    flow = upload(services, make_flow)
    data = part("prompt", b"mail " + EMAIL) + b"--b--\r\n"
    assert await sent(services, flow, data) == data
    assert flow.request.headers["content-length"] == "1000"


async def test_a_long_text_is_guarded_in_blocks(guarded: Services, make_flow: MakeFlow):
    text = b"".join(b"line %d of many, %s\n" % (number, EMAIL if number % 997 == 0 else b"nothing") for number in range(10_000))
    flow = upload(guarded, make_flow)
    left = await sent(guarded, flow, part("file", text, "a.txt") + b"--b--\r\n")
    assert EMAIL not in left
    assert known(call_of(flow)).record.redactions == {"EMAIL": text.count(EMAIL)}


async def test_a_text_that_is_not_utf_8_all_through_is_guarded_all_the_same(guarded: Services, make_flow: MakeFlow):
    text = b"x" * 2000 + b"\n\xff\xfe " + EMAIL + b" \xe9\n"
    left = await sent(guarded, upload(guarded, make_flow), part("file", text, "a.txt") + b"--b--\r\n")
    assert EMAIL not in left
    assert b"\xff\xfe " in left


def test_fields_and_files_are_noted():
    form = Form(b"b", Stored(), 1000)
    data = part("a", b"1") + part("b[]", b"2") + part("b[]", b"3") + part("f", PNG, "x") + part("f", b"", "y") + b"--b--\r\n"
    for item in form.feed(data):
        assert item
    assert form.fields == {"a": "1", "b[]": ["2", "3"]}
    assert [(file.name, file.size, file.head[:4]) for file in form.files] == [("f", len(PNG), b"\x89PNG"), ("f", 0, b"")]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (part("a", b"1") + part("a", b"2"), "stands twice"),
        (part("a", b"x" * (1024 * 1024 + 1)), "fields are larger"),
        (part("f", b'{"a": "' + b"x" * 200_000 + b'"}', "x.jsonl"), "line of more than"),
    ],
)
def test_what_can_not_be_looked_at_is_refused(data: bytes, problem: str):
    form = Form(b"b", Stored(), 100_000)
    with pytest.raises(FormError, match=problem):
        list(form.feed(data + b"--b--\r\n"))


def test_a_form_without_its_end_is_refused():
    form = Form(b"b", Stored(), 1000)
    list(form.feed(part("a", b"1")))
    with pytest.raises(FormError, match="boundary is missing"):
        form.end()


@given(text=st.text(max_size=300), cut=st.integers(1, 50))
def test_any_text_passes_as_it_came(text: str, cut: int):
    form, data, left = Form(b"b", Stored(), 1000), part("f", text.encode(), "x.txt") + b"--b--\r\n", b""
    for start in range(0, len(data), cut):
        for item in form.feed(data[start : start + cut]):
            left += b"" if isinstance(item, FormText) else item
    assert left + form.end() == data


def test_a_batch_is_walked_by_line():
    """Each line is a document of its own, so that what must not change in one does not."""
    line = json.loads('{"custom_id": "ada.lovelace@example.com", "url": "/v1/chat/completions", "body": {"model": "m"}}')
    assert Stored().protects("custom_id", line)
    assert Stored().protects("url", line)
    assert not Stored().protects("content", {"content": "x"})
