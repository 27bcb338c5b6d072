"""A provider that costs next to nothing: raw asyncio over TLS, canned OpenAI answers, so that a benchmark measures the gateway.

`python -m bench.upstream DIRECTORY` makes a throw-away CA there and prints {"port", "ca"} when it listens on loopback.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from pathlib import Path
from typing import cast

from sallyport.standin.tls import make_certificates

_USAGE = {"prompt_tokens": 60, "completion_tokens": 20, "total_tokens": 80}
_COMPLETION = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "word " * 20}, "finish_reason": "stop"}],
    "usage": _USAGE,
}


def _json_answer() -> bytes:
    body = json.dumps(_COMPLETION).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def _stream_answer(chunks: int = 100) -> bytes:
    def event(delta: dict[str, str], usage: object = None) -> bytes:
        choices = [] if usage else [{"index": 0, "delta": delta, "finish_reason": None}]
        data = {
            "id": "chatcmpl-bench",
            "object": "chat.completion.chunk",
            "model": "gpt-4o-mini",
            "choices": choices,
            "usage": usage,
        }
        return b"data: " + json.dumps(data).encode() + b"\n\n"

    events = [event({"content": "word "}) for _ in range(chunks)] + [event({}, _USAGE), b"data: [DONE]\n\n"]
    body = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in events) + b"0\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + body


class _Connection(asyncio.Protocol):
    answers = (_json_answer(), _stream_answer())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._transport.write(self.answers[b'"stream":true' in body])


async def _serve(directory: Path) -> None:
    made = make_certificates(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, ssl=context)
    print(json.dumps({"port": server.sockets[0].getsockname()[1], "ca": str(made.ca)}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
