from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import redis

from sallyport.console import redis_client


@pytest.fixture
def silent() -> Iterator[tuple[str, socket.socket]]:
    """The URL of a server that takes connections and says nothing, and its socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}", server


def connections(server: socket.socket) -> int:
    """How many were made."""
    server.setblocking(False)
    made = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return made
        made += 1


async def test_a_server_that_hangs_is_waited_for_once(silent: tuple[str, socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_client, "_SECONDS", 0.1)
    url, server = silent
    client = redis_client.connect(url)
    with pytest.raises(redis.TimeoutError):
        await client.ping()  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues] - untyped in redis-py
    assert connections(server) == 1
    with pytest.raises(redis.TimeoutError):
        redis_client.announcer(url)()
    assert connections(server) == 1
    await client.aclose()
