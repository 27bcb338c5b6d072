"""Forms (multipart/form-data) on the wire: they stream, what is text in them is guarded, and their end waits for the budget."""

from __future__ import annotations

from typing import Any

import pytest

from sallyport.tracing.record import CallRecord
from tests.sallyport.proxy.gateway import Worker
from tests.sallyport.proxy.http2 import http2_client
from tests.sallyport.proxy.wire import Message, Provider, answer, chunk, request

BOUNDARY = "----form7MA4YWxk"
FORM = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
PATH = "/openai/v1/audio/transcriptions"
WAV = (
    b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0\x80>\0\0\0}\0\0\x02\0\x10\0data\xff\xff\xff\xff"  # 32,000 bytes a second
)
USAGE = b'{"text":"hi","usage":{"type":"duration","seconds":7}}'


def field(name: str, value: bytes) -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"


def file(data: bytes, name: str = "file", filename: str = "a.wav", content_type: str = "audio/wav") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {content_type}'
    return head.encode() + b"\r\n\r\n" + data + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


def send(worker: Worker, provider: Provider, body: bytes, reply: bytes = USAGE, path: str = PATH) -> tuple[Message, Message]:
    """What the provider got, and what the client did."""
    with worker.ask(request("POST", path, worker.auth, FORM, body=body)) as client, provider.accept() as upstream:
        received = upstream.message()
        upstream.send(answer(reply))
        return received, client.message()


def test_a_form_passes_byte_for_byte_and_is_metered_whatever_the_order_of_its_parts(worker: Worker, openai: Provider):
    for body in (
        field("model", b"whisper-1") + file(WAV + bytes(1000)) + END,
        file(WAV + bytes(1000)) + field("model", b"whisper-1") + END,
    ):
        received, reply = send(worker, openai, body)
        assert received.body == body
        assert received.header("content-length") == str(len(body))
        assert received.header("authorization") == "Bearer sk-provider-openai"
        record = worker.record(reply.id)
        assert (record.operation, record.model, record.outcome, record.estimated) == ("audio", "whisper-1", "success", False)
        assert record.usage == {"audio_ms": 7000}
        assert record.cost_nano == 700_000  # $0.36 an hour


def test_an_answer_that_names_no_length_is_charged_by_the_size_of_the_sound(worker: Worker, openai: Provider):
    sound = WAV + bytes(64_000 - len(WAV))
    body = field("model", b"whisper-1") + field("response_format", b"text") + file(sound) + END
    _, reply = send(worker, openai, body, reply=b"hello\n")
    record = worker.record(reply.id)
    assert (record.estimated, record.unpriced, record.usage) == (True, False, {"audio_ms": 2000})
    assert record.cost_nano == 200_000


def test_what_is_sent_leaves_as_it_comes(worker: Worker, openai: Provider):
    head = request("POST", PATH, worker.auth, FORM, "Transfer-Encoding: chunked")
    first, rest = field("model", b"whisper-1") + file(bytes(500_000))[:400_000], file(bytes(500_000))[400_000:] + END
    with worker.ask(head + chunk(first)) as client, openai.accept() as upstream:
        upstream.head()
        received = b""
        while len(received) < len(first) - 100:
            received += upstream.chunk()
        client.send(chunk(rest) + chunk(b""))
        received += b"".join(iter(upstream.chunk, b""))
        assert received == first + rest
        upstream.send(answer(USAGE))
        assert client.message().status == 200


def test_the_end_of_a_form_waits_for_the_end_of_the_body(worker: Worker, openai: Provider):
    """Without it the provider has nothing that it could act on."""
    body = field("model", b"whisper-1") + file(WAV)
    head = request("POST", PATH, worker.auth, FORM, f"Content-Length: {len(body + END)}")
    with worker.ask(head + body + END[:-2]) as client, openai.accept() as upstream:
        upstream.head()
        assert upstream.exactly(len(body) - 2) == body[:-2]
        assert upstream.silent()
        client.send(END[-2:])
        assert upstream.exactly(len(END) + 2) == b"\r\n" + END
        upstream.send(answer(USAGE))
        assert client.message().status == 200


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (field("model", b"whisper-1") + file(WAV), "boundary is missing"),
        (field("model", b"whisper-1") + field("model", b"gpt-4o-transcribe") + END, "'model' stands twice"),
        (field("model", b"whisper-1") + END + b"x", "follows its last boundary"),
        (field("model", b"whisper-1").replace(b"form-data", b"attachment") + END, "content-disposition"),
        (field("model", b"whisper-1").replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n") + END, "encoded"),
    ],
)
def test_a_form_that_could_be_read_in_two_ways_is_refused(worker: Worker, openai: Provider, body: bytes, problem: str):
    with worker.ask(request("POST", PATH, worker.auth, FORM, body=body)) as client:
        reply = client.message()
    assert (reply.status, worker.record(reply.id).reason) == (400, "malformed")
    assert problem in reply.error
    with openai.accept() as upstream:
        assert END not in upstream.rest()


def test_a_form_that_its_client_breaks_off_costs_nothing(worker: Worker, openai: Provider):
    body = field("model", b"whisper-1") + file(bytes(5000))
    head = request("POST", PATH, worker.auth, FORM, f"Content-Length: {len(body) + 100}")
    with worker.ask(head + body) as client, openai.accept() as upstream:
        upstream.head()
        client.close()
        upstream.rest()
    record = worker.last_record(0)
    assert (record.outcome, record.reason, record.cost_nano) == ("aborted", "client_disconnected", 0)
    assert not record.estimated
    assert not record.unpriced


def test_a_compressed_form_is_refused(worker: Worker, openai: Provider):
    with worker.ask(request("POST", PATH, worker.auth, FORM, "Content-Encoding: gzip", body=b"x")) as client:
        assert client.message().status == 415
    assert openai.untouched()


def test_a_key_in_a_form_never_leaves(worker: Worker, openai: Provider):
    body = field("model", b"whisper-1") + field("prompt", worker.key.encode()) + file(WAV) + END
    received, _ = send(worker, openai, body)
    assert worker.key.encode() not in received.body
    assert len(received.body) == len(body)


def test_files_are_forms_too(worker: Worker, openai: Provider):
    body = field("purpose", b"user_data") + file(bytes(5000), filename="a.bin") + END
    received, reply = send(worker, openai, body, reply=b'{"id":"file-1","object":"file"}', path="/openai/v1/files")
    assert received.body == body
    assert worker.record(reply.id).operation == "files"


LINE = b'{"custom_id":"%d","method":"POST","url":"/v1/chat/completions","body":{"model":"%s","max_tokens":100,"messages":[]}}\n'


def submit(worker: Worker, openai: Provider, file_id: bytes) -> CallRecord:
    body = b'{"input_file_id":"%s","endpoint":"/v1/chat/completions","completion_window":"24h"}' % file_id
    with worker.ask(request("POST", "/openai/v1/batches", worker.auth, body=body)) as client, openai.accept() as upstream:
        assert upstream.message().body == body
        upstream.send(answer(b'{"id":"batch_1","object":"batch","usage":null}'))
        return worker.record(client.message().id)


def test_a_batch_is_paid_for_by_estimate_when_it_is_submitted(worker: Worker, openai: Provider):
    lines = LINE % (1, b"gpt-4o-mini") + LINE % (2, b"gpt-4o-mini")
    body = field("purpose", b"batch") + file(lines, filename="a.jsonl") + END
    received, _ = send(worker, openai, body, reply=b'{"id":"file-9","object":"file"}', path="/openai/v1/files")
    assert received.body == body
    record = submit(worker, openai, b"file-9")
    assert (record.model, record.estimated, record.unpriced) == ("gpt-4o-mini", True, False)
    assert (record.input_tokens, record.output_tokens) == (-(-(len(lines) - 2) // 3), 200)  # without the ends of lines
    assert record.usage == {"service_tier": "batch"}
    assert record.cost_nano == record.input_tokens * 75 + 200 * 300  # half of $0.15 and $0.60


def test_a_batch_of_a_file_that_nobody_saw_has_no_price(worker: Worker, openai: Provider):
    record = submit(worker, openai, b"file-unseen")
    assert (record.model, record.unpriced, record.cost_nano) == (None, True, 0)


def test_a_batch_of_several_models_is_paid_for_as_the_dearest(worker: Worker, openai: Provider):
    lines = LINE % (1, b"gpt-4o-mini") + LINE % (2, b"gpt-5")
    body = file(lines, filename="a.jsonl") + field("purpose", b"batch") + END
    send(worker, openai, body, reply=b'{"id":"file-10","object":"file"}', path="/openai/v1/files")
    record = submit(worker, openai, b"file-10")
    assert (record.model, record.unpriced) == (None, True)
    assert record.cost_nano > 1_000_000


def test_a_long_form_needs_no_memory(start_worker: Any):
    """100 MB of sound, with the worker's own address space watched."""
    worker: Worker = start_worker(max_body_bytes=256 * 1024)
    size, block = 100 * 1024 * 1024, bytes(1024 * 1024)
    head, tail = field("model", b"whisper-1") + file(b"").removesuffix(b"\r\n"), b"\r\n" + END
    length = f"Content-Length: {len(head) + size + len(tail)}"
    asked = request("POST", PATH, worker.auth, FORM, length) + head
    with worker.ask(asked) as client, worker.installation.openai.accept() as upstream:
        upstream.head()
        upstream.exactly(len(head))
        before = _resident(worker.process.pid)
        for _ in range(size // len(block)):
            client.send(block)
            upstream.exactly(len(block) - 100)
        assert _resident(worker.process.pid) - before < 16 * 1024 * 1024
        client.send(tail)
        upstream.exactly(100 * (size // len(block)) + len(tail))
        upstream.send(answer(USAGE))
        assert client.message().status == 200


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as statm:  # noqa: PTH123
        return int(statm.read().split()[1]) * 4096


@pytest.mark.parametrize("fields", [(b"whisper-1",), (b"whisper-1", b"gpt-4o-transcribe")], ids=["whole", "ambiguous"])
def test_a_form_over_http2(worker: Worker, openai: Provider, fields: tuple[bytes, ...]):
    body = file(WAV + bytes(5000)) + b"".join(field("model", model) for model in fields) + END
    head = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"api.openai.com")]
    head += [(b":path", b"/v1/audio/transcriptions"), (b"content-type", FORM.partition(": ")[2].encode())]
    with http2_client(worker, "api.openai.com") as client:
        stream = client.open(head, body[:3000], end=False)
        with openai.accept() as upstream:
            assert upstream.head().header("transfer-encoding") == "chunked"
            client.connection.send_data(stream, body[3000:], end_stream=True)
            client.flush()
            if len(fields) == 1:
                assert b"".join(iter(upstream.chunk, b"")) == body
                upstream.send(answer(USAGE))
            else:
                assert END not in upstream.rest()
            assert client.answer(stream)[0] == (200 if len(fields) == 1 else 400)
