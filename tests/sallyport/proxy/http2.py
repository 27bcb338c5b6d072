"""An HTTP/2 peer that sends what it is told, well-formed or not."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import h2.config
import h2.connection
import h2.events

from tests.sallyport.proxy.gateway import Worker
from tests.sallyport.proxy.wire import Wire

Fields = Sequence[tuple[bytes, bytes]]


class Http2:
    """One end of an HTTP/2 connection, on a TLS connection that has agreed on it."""

    def __init__(self, wire: Wire, *, client: bool = True) -> None:
        self.wire = wire
        settings = h2.config.H2Configuration(
            client_side=client, header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.connection = h2.connection.H2Connection(settings)
        self.connection.initiate_connection()
        self.events: list[h2.events.Event] = []
        self.flush()

    def flush(self) -> None:
        self.wire.send(self.connection.data_to_send())

    def open(self, fields: Fields, body: bytes | None = None, *, end: bool = True) -> int:
        """Send a request (or its beginning); returns the number of its stream."""
        stream = self.connection.get_next_available_stream_id()
        self.connection.send_headers(stream, fields, end_stream=end and body is None)
        if body is not None:
            self.connection.send_data(stream, body, end_stream=end)
        self.flush()
        return stream

    def wait[E: h2.events.Event](self, kind: type[E], stream: int | None = None) -> E:
        """The next event of a kind, of one stream or of any."""

        def wanted(event: h2.events.Event) -> bool:
            return isinstance(event, kind) and (stream is None or getattr(event, "stream_id", None) == stream)

        while not (found := [event for event in self.events if wanted(event)]):
            self.pump()
        self.events.remove(found[0])
        return found[0]  # pyright: ignore[reportReturnType] - it is one, see above

    def pump(self, acknowledge: bool = True) -> None:
        """Take what has come."""
        data = self.wire.sock.recv(65536)
        if not data:
            raise EOFError(f"closed; before that came {self.events}")
        for event in self.connection.receive_data(data):
            self.events.append(event)
            if acknowledge and isinstance(event, h2.events.DataReceived):
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self.flush()

    def answer(self, stream: int) -> tuple[int, dict[bytes, bytes], bytes]:
        """The whole answer: status, headers, body."""
        head = self.wait(h2.events.ResponseReceived, stream)
        fields = dict(head.headers)
        self.wait(h2.events.StreamEnded, stream)
        body = b"".join(e.data for e in self.events if isinstance(e, h2.events.DataReceived) and e.stream_id == stream)
        return int(fields[b":status"]), fields, body

    def ended(self) -> bool:
        """Whether the other end gives the connection up."""
        try:
            while True:
                self.pump()
        except (EOFError, ConnectionError):
            return True


@contextmanager
def http2_client(worker: Worker, host: str) -> Generator[Http2]:
    """Through a CONNECT, with the gateway's key there."""
    with worker.connect(f"{host}:443") as wire:
        context = worker.trust()
        context.set_alpn_protocols(["h2", "http/1.1"])
        inner = wire.tls(context, host)
        assert isinstance(inner.sock, ssl.SSLSocket)
        assert inner.sock.selected_alpn_protocol() == "h2"
        yield Http2(inner)
        inner.close()


def until(condition: Callable[[], bool], peer: Http2) -> None:
    while not condition():
        peer.pump()
