"""`python -m bench.stream_delay`: how long an event of a stream is in the gateway, from provider's write to client's read.

One thread is the provider and the client, so that one clock is read; both speak TLS. Turn by turn in the same run an event goes
straight, through a process that only relays bytes, and through the gateway with everything on. On a busy machine a process waits
for a core before it sees the event: the kernel says for how long (`schedstat`), and what it worked.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.systems import ROOT, Gateway
from sallyport.standin.tls import make_certificates

_BODY = (
    b'{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}'
)
_EVENT = b'data: {"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n'
_CHUNK = b"%x\r\n%s\r\n" % (len(_EVENT), _EVENT)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_PAUSE = 0.003


def _through_head(sock: ssl.SSLSocket | socket.socket) -> bytes:
    """What came up to the end of a head, and perhaps beyond it."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    return data


def _ask(sock: ssl.SSLSocket, key: str) -> None:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: api.openai.com\r\nauthorization: Bearer {key}\r\n"
    sock.sendall(f"{head}content-type: application/json\r\ncontent-length: {len(_BODY)}\r\n\r\n".encode() + _BODY)


def _tunnel(gateway: Gateway) -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", gateway.port))
    basic = base64.b64encode(f"bench:{gateway.key}".encode()).decode()
    raw.sendall(f"CONNECT {gateway.host} HTTP/1.1\r\nproxy-authorization: Basic {basic}\r\n\r\n".encode())
    _through_head(raw)
    return ssl.create_default_context(cafile=gateway.ca).wrap_socket(raw, server_hostname="api.openai.com")


class _Stream:
    """Both ends of one stream, of which the head has passed."""

    def __init__(self, listener: socket.socket, server: ssl.SSLContext, connect: Callable[[], ssl.SSLSocket], key: str) -> None:
        client: list[ssl.SSLSocket] = []

        def ask() -> None:
            client.append(connect())
            _ask(client[0], key)

        asking = threading.Thread(target=ask)
        asking.start()
        self._provider = server.wrap_socket(listener.accept()[0], server_side=True)
        _through_head(self._provider)
        asking.join()
        self._client = client[0]
        self._provider.sendall(_HEAD)
        _through_head(self._client)

    def close(self) -> None:
        self._provider.close()
        self._client.close()

    def event(self) -> float:
        """Seconds that one takes."""
        began = time.perf_counter()
        self._provider.sendall(_CHUNK)
        left = len(_CHUNK)
        while left:
            left -= len(self._client.recv(65536))
        return time.perf_counter() - began


@dataclass
class Way:
    pid: int | None
    """The process on it."""
    stream: _Stream
    times: list[float] = field(default_factory=list[float])
    """Milliseconds of each event."""
    worked: float = 0.0
    waited: float = 0.0
    """Milliseconds of an event, on average."""


def _scheduled(pid: int | None) -> tuple[float, float]:
    """Milliseconds that a process has run, and that it waited for a core (proc_pid_schedstat: both in nanoseconds)."""
    ran, waited = Path(f"/proc/{pid}/schedstat").read_text().split()[:2] if pid else (0, 0)
    return int(ran) / 1e6, int(waited) / 1e6


@contextmanager
def _relay(port: int) -> Generator[tuple[int, int]]:
    """Its process and its port."""
    process = subprocess.Popen([sys.executable, "-m", "bench.relay", str(port)], stdout=subprocess.PIPE, cwd=ROOT)
    if process.stdout is None:
        raise RuntimeError("the relay has no standard output")
    yield process.pid, int(process.stdout.readline())
    process.terminate()
    process.wait()


def _measure(events: int) -> dict[str, Way]:
    with tempfile.TemporaryDirectory(prefix="sallyport-bench-") as name, socket.create_server(("127.0.0.1", 0)) as listener:
        made = make_certificates(Path(name))
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(made.certificate, made.key)
        port = listener.getsockname()[1]

        def straight(port: int) -> ssl.SSLSocket:
            trust = ssl.create_default_context(cafile=made.ca)
            return trust.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")

        (data := Path(name) / "data").mkdir()
        with _relay(port) as (relay, relay_port), Gateway(data, port, str(made.ca)) as system:
            if not isinstance(system, Gateway):
                raise TypeError(system)
            ways = {
                "straight": Way(None, _Stream(listener, server, lambda: straight(port), "none")),
                "through a bare relay": Way(relay, _Stream(listener, server, lambda: straight(relay_port), "none")),
                "through the gateway": Way(system.worker(), _Stream(listener, server, lambda: _tunnel(system), system.key)),
            }
            _take_turns(list(ways.values()), events // 10)  # warms up
            _take_turns(list(ways.values()), events)
            for way in ways.values():
                way.stream.close()  # else the gateway would let it finish
            return ways


def _take_turns(ways: list[Way], events: int) -> None:
    before = [_scheduled(way.pid) for way in ways]
    for way in ways:
        way.times.clear()
    for _ in range(events):
        for way in ways:
            time.sleep(_PAUSE)
            way.times.append(way.stream.event() * 1000)
    for way, (worked, waited) in zip(ways, before, strict=True):
        now = _scheduled(way.pid)
        way.worked, way.waited = (now[0] - worked) / events, (now[1] - waited) / events


@click.command()
@click.option("--events", default=3000, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(events: int, as_json: bool) -> None:
    """Measure how long a stream's events are under way."""
    rows = {name: (*_quantiles(way.times), way.worked, way.waited) for name, way in _measure(events).items()}
    if as_json:
        print(json.dumps(rows))
        return
    columns = ("p50 ms", "p90 ms", "p99 ms", "of it work", "wait for a core")
    table = Table("", *columns, title=f"{events} events, one after the other, turn by turn; the last two are averages")
    for name, figures in rows.items():
        table.add_row(name, *(f"{figure:.3f}" for figure in figures))
    Console().print(table)


def _quantiles(times: list[float]) -> tuple[float, float, float]:
    cuts = statistics.quantiles(times, n=100)
    return cuts[49], cuts[89], cuts[98]


if __name__ == "__main__":
    main()
