"""A company's proxy with a password, as a thread: CONNECT and plain forwarding, to where its own list of hosts says."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import threading
from collections.abc import Mapping
from typing import Self
from urllib.parse import urlsplit


class CorporateProxy:
    """`hosts`: name → `ADDRESS:PORT`; other names are 403. `seen` lists the targets it let through."""

    def __init__(self, hosts: Mapping[str, str], credentials: str = "gateway:pass%word") -> None:
        self.seen: list[str] = []
        self._hosts = hosts
        self._authorization = "Basic " + base64.b64encode(credentials.encode()).decode()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        server.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target, _ = head.split(" ", 2)
            url = urlsplit(f"//{target}" if method == "CONNECT" else target)
            name = url.hostname or ""
            if not re.search(f"^proxy-authorization: {re.escape(self._authorization)}\r$", head, re.IGNORECASE | re.MULTILINE):
                writer.write(b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n")
            elif name not in self._hosts:
                writer.write(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
            else:
                self.seen.append(target)
                address, _, port = self._hosts[name].rpartition(":")
                far_reader, far_writer = await asyncio.open_connection(address, int(port))
                if method == "CONNECT":
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    far_writer.write(head.replace(target, url.path, 1).encode("latin-1"))
                await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
