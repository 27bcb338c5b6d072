"""`python -m bench.uploads`: the memory of the gateway's worker while a large file passes, in each version of HTTP on both sides.

The provider reads what comes and answers at the end; the client sends from a generator. Neither holds the file.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import click
import h2.config
import h2.connection
import h2.events
import httpx2
from rich.console import Console
from rich.table import Table

from bench.systems import Gateway
from sallyport.standin.tls import make_certificates

MIB = 1024 * 1024
_PIECE = b"x" * 65536
_ANSWER = b'{"id":"file-1"}'


class _Reader(asyncio.Protocol):
    """Takes a file by HTTP/1.1 or HTTP/2, as the TLS handshake agreed, and keeps nothing of it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._head, self._left = b"", -1
        self._h2 = None
        if self._transport.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
            self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
            self._h2.initiate_connection()
            self._transport.write(self._h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        if self._h2:
            self._http2(self._h2, data)
        else:
            self._http1(data)

    def _http1(self, data: bytes) -> None:
        if self._left < 0:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._left = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        self._left -= len(data)
        if self._left == 0:
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(_ANSWER), _ANSWER))
            self._head, self._left = b"", -1

    def _http2(self, connection: h2.connection.H2Connection, data: bytes) -> None:
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.DataReceived) and event.flow_controlled_length:
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded) and event.stream_id:
                connection.send_headers(event.stream_id, [(":status", "200")])
                connection.send_data(event.stream_id, _ANSWER, end_stream=True)
        self._transport.write(connection.data_to_send())


def _provide(server: ssl.SSLContext) -> int:
    """In a thread of its own; its port."""
    listening: list[int] = []
    ready = threading.Event()

    async def serve() -> None:
        listener = await asyncio.get_running_loop().create_server(_Reader, "127.0.0.1", 0, ssl=server)
        listening.append(listener.sockets[0].getsockname()[1])
        ready.set()
        await listener.serve_forever()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    ready.wait()
    return listening[0]


def _resident(pid: int) -> int:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


class _Watch(threading.Thread):
    """The most memory that a process had meanwhile."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._over = pid, threading.Event()
        self.before = self.peak = _resident(pid)

    def run(self) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, _resident(self._pid))

    def end(self) -> None:
        self._over.set()
        self.join()


def _pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // len(_PIECE)):
        yield _PIECE


def _upload(gateway: Gateway, size: int, *, http2: bool) -> float:
    """Seconds. In `HTTP/2` the provider speaks it too: it is asked for what the client speaks."""
    proxy = f"http://bench:{gateway.key}@127.0.0.1:{gateway.port}"
    trust = ssl.create_default_context(cafile=gateway.ca)
    with httpx2.Client(proxy=proxy, verify=trust, http1=not http2, http2=http2, timeout=120) as client:
        began = time.perf_counter()
        headers = {"content-length": str(size), "content-type": "application/octet-stream"}
        answer = client.post("https://api.openai.com/v1/files", content=_pieces(size), headers=headers)
        answer.raise_for_status()
        return time.perf_counter() - began


@click.command()
@click.option("--mib", default=500, show_default=True, help="The file's size.")
def main(mib: int) -> None:
    """Print the worker's memory before and under uploads."""
    table = Table("", "before MiB", "peak MiB", "grown MiB", "MiB/s", title=f"the worker under an upload of {mib} MiB")
    with tempfile.TemporaryDirectory(prefix="sallyport-bench-") as name:
        made = make_certificates(Path(name))
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(made.certificate, made.key)
        server.set_alpn_protocols(["h2", "http/1.1"])
        (data := Path(name) / "data").mkdir()
        with Gateway(data, _provide(server), str(made.ca)) as system:
            if not isinstance(system, Gateway):
                raise TypeError(system)
            for version in ("HTTP/1.1", "HTTP/2"):
                _upload(system, MIB, http2=version == "HTTP/2")  # warms up
                watch = _Watch(system.worker())
                watch.start()
                seconds = _upload(system, mib * MIB, http2=version == "HTTP/2")
                watch.end()
                before, peak = watch.before / MIB, watch.peak / MIB
                table.add_row(version, f"{before:.0f}", f"{peak:.0f}", f"{peak - before:.1f}", f"{mib / seconds:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
