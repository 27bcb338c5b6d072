"""What goes wrong, one thing after the other, at random."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path

import redis

from bench.systems import descendants

_LONGEST_SECONDS = 4.0


class Faults:
    """Of the gateway whose supervisor is process `pid`, on a data dir of its own."""

    def __init__(self, pid: int, data: Path, chance: random.Random) -> None:
        self._pid = pid
        self._data = data
        self._chance = chance
        self._kinds: dict[str, Callable[[], Awaitable[None]]] = {
            "Redis killed": self._redis_killed,
            "Redis emptied": self._redis_emptied,
            "Redis stopped": self._redis_stopped,
            "database locked": self._database_locked,
            "worker killed": self._worker_killed,
            "console killed": self._console_killed,
            "worker killed, Redis emptied": self._both,
        }
        self.done: Counter[str] = Counter()

    async def one(self) -> str:
        """The name of what was done; when it answers, what was stopped goes on."""
        name = self._chance.choice(sorted(self._kinds))
        with suppress(redis.RedisError, ProcessLookupError, sqlite3.OperationalError):
            await self._kinds[name]()
            self.done[name] += 1
        return name

    async def _redis_killed(self) -> None:
        self._signal("-server", signal.SIGKILL)

    async def _redis_emptied(self) -> None:
        with redis.Redis(unix_socket_path=str(self._data / "run" / "redis.sock"), socket_timeout=2) as client:
            client.flushall()

    async def _redis_stopped(self) -> None:
        pid = self._signal("-server", signal.SIGSTOP)
        try:
            await self._a_while()
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _database_locked(self) -> None:
        with closing(sqlite3.connect(self._data / "gateway.db", isolation_level=None)) as database:
            database.execute("BEGIN EXCLUSIVE")
            await self._a_while()

    async def _worker_killed(self) -> None:
        self._signal("proxy.worker", signal.SIGKILL)

    async def _console_killed(self) -> None:
        self._signal("console.server", signal.SIGKILL)

    async def _both(self) -> None:
        await self._worker_killed()
        await self._redis_emptied()

    async def _a_while(self) -> None:
        await asyncio.sleep(self._chance.random() * _LONGEST_SECONDS)

    def _signal(self, part: str, number: signal.Signals) -> int:
        """To one, at random, of our gateway's children that have `part` in their command line."""
        found: list[int] = []
        for pid in descendants(self._pid):
            with suppress(OSError):
                if part in (Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip() + " "):
                    found.append(pid)
        if not found:
            raise ProcessLookupError(part)
        pid = self._chance.choice(sorted(found))
        os.kill(pid, number)
        return pid
