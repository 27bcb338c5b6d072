"""A stream writer that sends what is written within one turn of the event loop at once.

mitmproxy writes each piece of a message by itself; a burst of a hundred small events was a hundred system calls.
"""

from __future__ import annotations

import asyncio
from typing import Any


class CoalescingWriter:
    """The part of asyncio.StreamWriter that mitmproxy uses. What is written leaves in order, with the next turn at the latest."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []
        self.written = self._loop.time()
        """When something was last written (the event loop's time)."""

    def write(self, data: bytes) -> None:
        if not self._pieces:
            self._loop.call_soon(self._flush)
            self.written = self._loop.time()
        self._pieces.append(data)

    def _flush(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces and not self._writer.is_closing():
            self._writer.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    async def drain(self) -> None:
        self._flush()
        await self._writer.drain()

    def write_eof(self) -> None:
        self._flush()
        if self._writer.can_write_eof():
            self._writer.write_eof()
        else:  # within TLS to a proxy there is no end of one direction alone
            self._writer.close()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def is_closing(self) -> bool:
        return self._writer.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._writer.get_extra_info(name, default)
