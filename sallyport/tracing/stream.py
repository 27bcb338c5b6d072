"""One organization's Redis stream of call records, as its consumer sees it."""

# redis-py types its answers as unions of everything:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from sallyport.spend.keys import calls_stream

GROUP = "recorder"
FIELD = "record"
_DEAD_LIMIT = 10_000
_READ_COUNT = 500


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    data: bytes | None
    """None: the entry has no record in it."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Records not yet in the ledger, and for how many seconds the oldest has waited."""

    records: int
    seconds: float


class CallStream:
    """Every method raises redis-py's errors when the server can't be reached."""

    def __init__(self, redis: Redis, organization_id: str, consumer: str) -> None:
        self._redis: Any = redis
        self._consumer = consumer
        self.key = calls_stream(organization_id)
        self.dead_key = f"{self.key}:dead"

    async def open(self) -> None:
        """Make the consumer group, from the stream's beginning, where it is not there."""
        try:
            await self._redis.xgroup_create(self.key, GROUP, "0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def read(self, wait_ms: int) -> list[Entry]:
        """New entries, at most 500; waits for the first."""
        return self._entries(
            await self._redis.xreadgroup(GROUP, self._consumer, {self.key: ">"}, count=_READ_COUNT, block=wait_ms)
        )

    async def read_pending(self) -> list[Entry]:
        """Entries that this consumer was given and never acknowledged: what it held when it died."""
        return self._entries(await self._redis.xreadgroup(GROUP, self._consumer, {self.key: "0"}, count=_READ_COUNT))

    async def claim(self, idle_ms: int) -> list[Entry]:
        """Take over entries that any consumer has held for that long."""
        answer = await self._redis.xautoclaim(self.key, GROUP, self._consumer, idle_ms, count=_READ_COUNT)
        return [_entry(entry) for entry in answer[1]]

    async def acknowledge(self, entries: list[Entry]) -> None:
        """They are in the ledger: forget them."""
        ids = [entry.id for entry in entries]
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xack(self.key, GROUP, *ids)
            pipe.xdel(self.key, *ids)
            await pipe.execute()

    async def bury(self, entry: Entry, why: str) -> None:
        """Move an entry that can never be recorded out of the way, to `…:calls:dead`, for a person to look at."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(self.dead_key, {FIELD: entry.data or b"", "why": why}, maxlen=_DEAD_LIMIT, approximate=True)
            pipe.xack(self.key, GROUP, entry.id)
            pipe.xdel(self.key, entry.id)
            await pipe.execute()

    async def backlog(self, now: float) -> Backlog:
        """`now`: UTC seconds."""
        records = cast(int, await self._redis.xlen(self.key))
        oldest = await self._redis.xrange(self.key, count=1)
        if not oldest:
            return Backlog(0, 0.0)
        milliseconds = int(_entry(oldest[0]).id.partition("-")[0])
        return Backlog(records, max(0.0, now - milliseconds / 1000))

    def _entries(self, answer: Any) -> list[Entry]:
        """redis-py answers `[[key, entries]]`, `{key: [entries]}` or `{key: entries}`, by protocol version."""
        if not answer:
            return []
        streams = cast(dict[Any, Any], answer).values() if isinstance(answer, dict) else [answer[0][1]]
        entries = next(iter(streams))
        return [_entry(entry) for entry in (entries[0] if entries and isinstance(entries[0], list) else entries)]


def _entry(raw: tuple[bytes | str, dict[bytes | str, bytes | str]]) -> Entry:
    entry_id, fields = raw
    data = fields.get(FIELD.encode(), fields.get(FIELD)) if fields else None
    return Entry(
        entry_id.decode() if isinstance(entry_id, bytes) else entry_id,
        data.encode() if isinstance(data, str) else data,
    )
