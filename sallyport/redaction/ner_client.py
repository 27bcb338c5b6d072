"""The client of the NER processes: sends text over their unix sockets, without ever blocking the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from sallyport.redaction import frames
from sallyport.redaction.finding import Finding
from sallyport.redaction.pace import apart

_WARM_SECONDS = 120.0
_CONNECT_SECONDS = 1.0
_LARGE = 250_000
"""Characters from which on a request is put together in a thread."""


class NerUnavailable(Exception):
    """No NER process could do it."""


class NerTimeout(NerUnavailable):
    """The deadline passed."""


class NerClient:
    """Speaks to all NER processes, the least busy first. Connects when first needed and again after a process was restarted."""

    def __init__(self, sockets: Sequence[Path]) -> None:
        self._links = [_Link(socket) for socket in sockets]

    async def warm(self) -> None:
        """Have every process load its model now, so that the first guarded call does not wait for it. Raises NerUnavailable."""
        until = asyncio.get_running_loop().time() + _WARM_SECONDS
        for link in self._links:
            link.keep_warm = True
        try:
            await asyncio.gather(*(link.call(*_warm(until), until) for link in self._links))
        except ConnectionError as error:
            raise NerUnavailable from error

    async def scan(self, texts: Sequence[str], *, pii: bool, secrets: bool, deadline: float) -> list[list[Finding]]:
        """Findings by rule (secrets; phone numbers and the like) of each text. Raises NerUnavailable."""
        return await self._call("scan", texts, deadline, pii=pii, secrets=secrets)

    async def names(self, texts: Sequence[str], *, deadline: float) -> list[list[Finding]]:
        """Findings by spaCy (people, places, …) of each text. Raises NerUnavailable."""
        return await self._call("names", texts, deadline)

    async def close(self) -> None:
        """Hang up."""
        for link in self._links:
            await link.close()

    async def _call(self, op: str, texts: Sequence[str], deadline: float, **options: bool) -> list[list[Finding]]:
        large = sum(map(len, texts)) > _LARGE
        number, frame = await apart(large, _request, op, texts, deadline, options)
        for link in sorted(self._links, key=lambda link: link.busy):
            try:
                answer = await link.call(number, frame, deadline)
            except ConnectionError:
                continue  # it is down; another may be up
            if answer.get("error") == "late":
                raise NerTimeout
            if "found" not in answer:
                raise NerUnavailable
            return frames.findings(answer["found"])
        raise NerUnavailable


_numbers = count()


def _request(op: str, texts: Sequence[str], until: float, options: Mapping[str, bool]) -> tuple[int, bytes]:
    """Its id and its frame."""
    number = next(_numbers)
    texts = [frames.sendable(text) for text in texts]
    return number, frames.encode({"id": number, "op": op, "texts": texts, "until": until, **options})


def _warm(until: float) -> tuple[int, bytes]:
    return _request("warm", (), until, {})


class _Link:
    """To one process; connects again whenever the last connection is gone."""

    def __init__(self, socket: Path) -> None:
        self.keep_warm = False
        """Tell the process to load its model whenever it is new."""
        self._socket = socket
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()

    @property
    def busy(self) -> int:
        """Requests under way."""
        return self._connection.busy if self._connection is not None else 0

    async def call(self, number: int, frame: bytes, deadline: float) -> dict[str, Any]:
        """The answer. Raises ConnectionError when the process is down or dies meanwhile, NerTimeout at the deadline."""
        try:
            async with asyncio.timeout_at(deadline):
                connection = await self._connect()
                return await connection.call(number, frame)
        except TimeoutError as error:
            raise NerTimeout from error

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def _connect(self) -> _Connection:
        async with self._connecting:
            if self._connection is None or self._connection.lost:
                try:
                    async with asyncio.timeout(_CONNECT_SECONDS):
                        reader, writer = await asyncio.open_unix_connection(self._socket, limit=frames.STREAM_LIMIT)
                except (OSError, TimeoutError) as error:
                    raise ConnectionError("the NER process is down") from error
                self._connection = _Connection(reader, writer)
                if self.keep_warm:
                    writer.write(_warm(asyncio.get_running_loop().time() + _WARM_SECONDS)[1])
            return self._connection


class _Connection:
    """Requests are told apart by their id; answers may overtake each other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listener = asyncio.create_task(self._listen(reader), name="listen to a NER process")

    @property
    def busy(self) -> int:
        return len(self._pending)

    @property
    def lost(self) -> bool:
        return self._listener.done() or self._writer.is_closing()

    async def call(self, number: int, frame: bytes) -> dict[str, Any]:
        """The answer to request `number`. Raises ConnectionError when it can come no more."""
        self._writer.write(frame)
        answer = self._pending[number] = asyncio.get_running_loop().create_future()
        try:
            await self._writer.drain()
            return await answer
        finally:
            del self._pending[number]

    async def close(self) -> None:
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                message = await frames.read(reader)
                answer = self._pending.get(message["id"])
                if answer is not None and not answer.done():
                    answer.set_result(message)
        except (asyncio.IncompleteReadError, OSError, frames.FrameError, KeyError):
            pass
        finally:
            self._writer.close()
            for answer in self._pending.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("the NER process ended"))
