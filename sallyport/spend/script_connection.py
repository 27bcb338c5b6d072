"""One connection to Redis, over which a process runs its scripts: commands leave together, answers come in their order.

redis-py takes a connection from a pool, sets four timers and packs in Python for each command: five times the CPU.
"""

from __future__ import annotations

import asyncio
import functools
import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import hiredis
from redis.asyncio.connection import UnixDomainSocketConnection, parse_url
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import NoScriptError, ResponseError

_packed = cast("Callable[[Command], bytes]", hiredis.pack_command)  # pyright: ignore[reportUnknownMemberType] - typed for one word
Command = tuple[str | bytes | int | float, ...]

_SIMPLE = {"connection_class", "path", "host", "port", "db", "username", "password"}
_SILENT_SECONDS = 1.0
_NOTHING = object()


class ScriptConnection:
    """Connects at the first command, and anew when the connection was lost; the commands that waited on that fail.

    A command that was given up keeps its place, so that an answer that comes late is taken for no other's.
    """

    def __init__(self, opens: Callable[[], Awaitable[_Wire]], greeting: Sequence[Command] = ()) -> None:
        """`opens` a connection; `greeting`: what is said on each first."""
        self._opens = opens
        self._greeting = greeting
        self._wire: _Wire | None = None
        self._opening = asyncio.Lock()

    async def run(self, command: Command, seconds: float | None = None) -> Any:
        """Redis's answer, within `seconds` of asking it. Raises redis.RedisError, OSError, TimeoutError."""
        if self._wire is None or not self._wire.usable():
            async with asyncio.timeout(seconds):
                await self._open()
        return await cast(_Wire, self._wire).ask(command, seconds)

    async def _open(self) -> None:
        async with self._opening:
            if self._wire is not None and self._wire.usable():  # another command has opened it meanwhile
                return
            wire = await self._opens()
            try:
                for command in self._greeting:
                    await wire.ask(command)
            except BaseException:
                wire.close()
                raise
            self._wire = wire

    def close(self) -> None:
        if self._wire:
            self._wire.close()


class _Wire(asyncio.Protocol):
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(replyError=_error, notEnoughData=_NOTHING)
        self._waiting: deque[tuple[asyncio.Future[Any], float, float]] = deque()
        """Who waits for the next answers, since when and until when."""
        self._alarm: asyncio.TimerHandle | None = None
        """When the next of them has waited too long: one timer for all, since nearly none ever does."""
        self._unsent: list[bytes] = []
        self._lost = False

    def ask(self, command: Command, seconds: float | None = None) -> asyncio.Future[Any]:
        answer = self._loop.create_future()
        if self._lost:
            answer.set_exception(ConnectionLost("the connection was lost"))
            return answer
        now = self._loop.time()
        until = math.inf if seconds is None else now + seconds
        self._waiting.append((answer, now, until))
        if self._alarm is None or until < self._alarm.when():
            self._wake_at(until)
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(_packed(command))
        return answer

    def usable(self) -> bool:
        """Not lost, and no answer so late that it was given up: a peer that is gone for good does not always say so."""
        if not self._lost and self._waiting:
            answer, since, _ = self._waiting[0]
            if answer.done() and self._loop.time() - since > _SILENT_SECONDS:
                self.close()
        return not self._lost

    def close(self) -> None:
        self._transport.abort()
        self._lose()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _NOTHING:
                answer, *_ = self._waiting.popleft()
                if answer.done():
                    continue
                if isinstance(reply, Exception):
                    answer.set_exception(reply)
                else:
                    answer.set_result(reply)
        except (hiredis.ProtocolError, IndexError):  # what is not Redis's protocol, or more answers than commands
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose()

    def _send(self) -> None:
        if not self._lost:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def _wake_at(self, when: float) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(when, self._give_up) if when < math.inf else None

    def _give_up(self) -> None:
        now, self._alarm = self._loop.time(), None
        waiting = [(answer, until) for answer, _, until in self._waiting if not answer.done()]
        for answer, until in waiting:
            if until <= now:
                answer.set_exception(TimeoutError())
        self._wake_at(min((until for _, until in waiting if until > now), default=math.inf))

    def _lose(self) -> None:
        self._lost = True
        self._wake_at(math.inf)
        while self._waiting:
            answer, *_ = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(ConnectionLost("the connection was lost"))


def script_connection(url: str) -> ScriptConnection | None:
    """To the server at a `redis://` or `unix://` URL that says where, as whom and which database; None where it says more."""
    given: dict[str, Any] = {**parse_url(url)}
    if not given.keys() <= _SIMPLE or given.get("connection_class") not in (None, UnixDomainSocketConnection):
        return None
    greeting: list[Command] = []
    if "password" in given:
        greeting.append(("AUTH", *([given["username"]] if "username" in given else []), given["password"]))
    if given.get("db"):
        greeting.append(("SELECT", given["db"]))
    return ScriptConnection(functools.partial(_opened, given), greeting)


async def _opened(given: dict[str, Any]) -> _Wire:
    loop = asyncio.get_running_loop()
    if "path" in given:
        _, wire = await loop.create_unix_connection(_Wire, given["path"])
    else:
        _, wire = await loop.create_connection(_Wire, given.get("host", "localhost"), given.get("port", 6379))
    return wire


def _error(text: str) -> ResponseError:
    return NoScriptError(text) if text.startswith("NOSCRIPT") else ResponseError(text)
