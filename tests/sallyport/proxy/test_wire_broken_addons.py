"""An addon that raises, in a worker within this process: its request is refused in shape, and nothing is sent or stays held."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis

from addons import PIPELINE
from addons.credentials import Credentials
from sallyport.proxy import worker as worker_process
from sallyport.settings import Address, Settings
from sallyport.store.opening import open_store
from sallyport.supervisor.ports import reserved
from tests.sallyport.proxy.frames import CLOSE, HANDSHAKE, Peer, grant
from tests.sallyport.proxy.gateway import CHAT, Installation
from tests.sallyport.proxy.test_wire_streams import DONE, HELLO, SSE, STREAM, USAGE
from tests.sallyport.proxy.wire import Wire, chunk, request

SECRET = "what-only-the-log-may-hold"


def broken(hook: str) -> type:
    """An addon of which one hook raises."""

    def accept(self: object, services: object) -> None:
        pass

    def fail(self: object, *_: object) -> None:
        raise RuntimeError(SECRET)

    return type("Broken", (), {"__init__": accept, hook: fail})


@asynccontextmanager
async def serving(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, addon: type, position: int
) -> AsyncGenerator[tuple[int, int]]:
    """A worker whose pipeline has one addon more; yields its port and the one its console would have."""
    pipeline: list[Callable[..., Any]] = [*PIPELINE]
    pipeline.insert(position, addon)
    monkeypatch.setattr(worker_process, "PIPELINE", tuple(pipeline))
    store = open_store(installation.data.database, installation.data.master_key, create=False)
    anywhere = Address(host="127.0.0.1", port=0)
    with reserved(anywhere, "--listen") as listen, reserved(anywhere, "--console") as console:
        places: dict[str, Any] = {"data_dir": installation.data.root, "listen": listen, "console": console}
        settings = Settings(**places, redis_url=installation.redis_url, ner_workers=0, **installation.settings)
        worker = asyncio.create_task(worker_process._serve(settings, store, first=True))  # pyright: ignore[reportPrivateUsage]
        try:
            yield listen.port, console.port
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(worker, 5)  # a call left in flight would be waited for longer


async def dial(port: int) -> Wire:
    while True:
        try:
            return Wire(socket.create_connection(("127.0.0.1", port)))
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("position", [0, PIPELINE.index(Credentials), len(PIPELINE)])
@pytest.mark.parametrize("hook", ["requestheaders", "request"])
async def test_before_sending(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, redis_url: str, hook: str, position: int
):
    installation.openai.forget()
    async with serving(installation, monkeypatch, broken(hook), position) as (port, _):
        with await dial(port) as client:
            for path in ("/openai/v1/chat/completions", "/openai/v1/files"):
                if path.endswith("files") and hook == "request":
                    continue  # a stream has been sent when its `request` is called
                client.send(request("POST", path, f"Authorization: Bearer {installation.key}", body=CHAT))
                reply = await asyncio.to_thread(client.message)
                assert reply.status == 500
                assert reply.id
                assert SECRET not in str(reply)
                assert reply.error
    assert installation.openai.untouched()
    with redis.Redis.from_url(redis_url) as records:
        assert records.hlen("{default}:reservations") == 0


async def test_at_connect(installation: Installation, monkeypatch: pytest.MonkeyPatch, redis_url: str):
    async with serving(installation, monkeypatch, broken("http_connect"), 0) as (port, console):
        for target in (f"127.0.0.1:{console}", "api.openai.com:443"):
            with await dial(port) as client:
                client.send(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
                assert (await asyncio.to_thread(client.message)).status == 500


@pytest.mark.parametrize("position", [0, PIPELINE.index(Credentials), len(PIPELINE)])
async def test_on_a_websocket(installation: Installation, monkeypatch: pytest.MonkeyPatch, redis_url: str, position: int):
    installation.openai.forget()
    async with serving(installation, monkeypatch, broken("socket_message"), position) as (port, _):
        with await dial(port) as client:
            auth = f"Authorization: Bearer {installation.key}"
            client.send(request("GET", "/openai/v1/responses", *HANDSHAKE, auth))
            with await asyncio.to_thread(installation.openai.accept) as provider:
                await asyncio.to_thread(grant, provider)
                assert (await asyncio.to_thread(client.head)).status == 101
                ends = Peer(client, client=True), Peer(provider, client=False)
                ends[0].say({"type": "response.create", "model": "gpt-4o-mini", "input": "hi"})
                told = await asyncio.to_thread(ends[0].frame)
                while told.opcode != CLOSE:
                    told = await asyncio.to_thread(ends[0].frame)
                assert told.close[0] == 1011
                assert SECRET not in told.close[1]
                assert (await asyncio.to_thread(ends[1].frame)).close[0] == 1001  # nothing was said to it before
    with redis.Redis.from_url(redis_url) as records:
        assert records.hlen("{default}:reservations") == 0


@pytest.mark.parametrize("hook", ["responseheaders", "call_complete", "response", "error"])
async def test_after_sending(installation: Installation, monkeypatch: pytest.MonkeyPatch, redis_url: str, hook: str):
    """Too late to refuse: the client sees a cut at worst, and the call is settled."""
    installation.openai.forget()
    async with serving(installation, monkeypatch, broken(hook), 0) as (port, _):
        with await dial(port) as client:
            auth = f"Authorization: Bearer {installation.key}"
            client.send(request("POST", "/openai/v1/chat/completions", auth, body=STREAM))
            with await asyncio.to_thread(installation.openai.accept) as provider:
                await asyncio.to_thread(provider.message)
                provider.send(SSE.encode() + chunk(HELLO))
                if hook != "error":
                    provider.send(chunk(USAGE + DONE) + b"0\r\n\r\n")
            if hook == "error":
                assert HELLO in await asyncio.to_thread(client.rest)
            else:
                client.sock.settimeout(1)
                received = await asyncio.to_thread(everything, client)
                assert SECRET.encode() not in received
    with redis.Redis.from_url(redis_url) as records:
        assert records.hlen("{default}:reservations") == 0
        assert records.xlen("{default}:calls") == 1


def everything(client: Wire) -> bytes:
    received = b""
    try:
        while not received.endswith(b"0\r\n\r\n"):
            received += client.exactly(1)
    except (EOFError, ConnectionError):
        pass
    return received
