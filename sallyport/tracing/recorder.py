"""The recorder: takes call records from Redis to the ledger, and only then lets Redis forget them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine, select
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError, SQLAlchemyError

from sallyport.spend.keys import NOBODY
from sallyport.spend.ledger import insert_calls
from sallyport.spend.ledger.writing import Link
from sallyport.store.database import reading, writing
from sallyport.store.errors import StoreError
from sallyport.store.tables import OrganizationRow
from sallyport.tracing.record import CallRecord
from sallyport.tracing.relay import Relay
from sallyport.tracing.sinks import Sink
from sallyport.tracing.stream import Backlog, CallStream, Entry

logger = logging.getLogger(__name__)

_ORGANIZATIONS_SECONDS = 3.0
_MEASURE_SECONDS = 1.0
_CLAIM_SECONDS = 10.0
_ABANDONED_MS = 30_000  # held that long by another consumer: it is dead
_WAIT_MS = 500
_GATHER_SECONDS = 0.02  # a breath between batches: many calls share one transaction, none waits long
_SINK_SECONDS = 5.0
_LONGEST_PAUSE = 5.0


@dataclass(slots=True)
class RecorderStatus:
    """For `/healthz` and `/metrics`."""

    recorded: int = 0
    """Records brought to the ledger by this process."""
    buried: int = 0
    """Entries that could not be recorded and were moved to the dead stream."""
    backlog: dict[str, Backlog] = field(default_factory=dict[str, Backlog])
    """What waits in each organization's stream."""
    sql_error: str | None = None
    """Why the ledger can't be written at present; records wait in Redis."""
    redis_error: str | None = None
    sink_failures: int = 0

    @property
    def waiting(self) -> int:
        return sum(backlog.records for backlog in self.backlog.values())

    @property
    def lag_seconds(self) -> float:
        return max((backlog.seconds for backlog in self.backlog.values()), default=0.0)


class Recorder:
    """`relays`: where traces go, by the outbox. `link`: where a record's trace is seen.

    `consumer`: this recorder's name; the next of that name takes over its work.
    """

    def __init__(
        self,
        redis: Redis,
        store_engine: Engine,
        sinks: Sequence[Sink] = (),
        relays: Sequence[Relay] = (),
        *,
        link: Link | None = None,
        consumer: str | None = None,
    ) -> None:
        self._redis = redis
        self._engine = store_engine
        self._sinks = [*sinks, *relays]
        self._relays = relays
        self._link = link
        self._consumer = consumer or socket.gethostname()
        self._write_lock = asyncio.Lock()  # SQLite has one writer; waiting here costs no thread
        self.status = RecorderStatus()

    async def run(self) -> None:
        """Until cancelled. No failure of Redis, SQL or a sink ends it."""
        streams: dict[str, CallStream] = {}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._measure(streams))
                while True:
                    for organization_id in await self._organizations():
                        if organization_id not in streams:
                            streams[organization_id] = CallStream(self._redis, organization_id, self._consumer)
                            tasks.create_task(self._consume(streams[organization_id]))
                    await asyncio.sleep(_ORGANIZATIONS_SECONDS)
        finally:
            for sink in self._sinks:
                with contextlib.suppress(Exception):
                    await sink.close()

    async def _organizations(self) -> list[str]:
        pause = _Pause()
        while True:
            try:
                return await asyncio.to_thread(_organization_ids, self._engine)
            except (StoreError, SQLAlchemyError) as error:
                self._sql_failed(error)
                await pause.wait()

    async def _consume(self, stream: CallStream) -> None:
        pause = _Pause()
        while True:
            try:
                await stream.open()
                while entries := await stream.read_pending():
                    await self._record(stream, entries)
                next_claim = 0.0
                while True:
                    if time.monotonic() >= next_claim:
                        next_claim = time.monotonic() + _CLAIM_SECONDS
                        entries = await stream.claim(_ABANDONED_MS)
                    else:
                        entries = await stream.read(_WAIT_MS)
                    self.status.redis_error = None
                    pause.reset()
                    if entries:
                        await self._record(stream, entries)
                        await asyncio.sleep(_GATHER_SECONDS)
            except (RedisError, OSError) as error:
                self._redis_failed(error)
                await pause.wait()

    async def _record(self, stream: CallStream, entries: list[Entry]) -> None:
        good: list[tuple[Entry, CallRecord]] = []
        for entry in entries:
            try:
                good.append((entry, _parse(entry)))
            except ValueError:
                await self._bury(stream, entry, "not a call record")
        if good:
            await self._write(stream, good)

    async def _write(self, stream: CallStream, good: list[tuple[Entry, CallRecord]]) -> None:
        """To the ledger, the sinks, and out of the stream. A record that the database won't take is buried alone."""
        records = [record for _, record in good]
        pause = _Pause()
        while True:
            try:
                async with self._write_lock:
                    await asyncio.to_thread(self._insert, records)
                break
            except Exception as error:  # noqa: BLE001, RUF100 - told apart below
                if not _is_of_the_record(error):
                    self._sql_failed(error)
                    await pause.wait()
                elif len(good) > 1:
                    for one in good:
                        await self._write(stream, [one])
                    return
                else:
                    await self._bury(stream, good[0][0], type(error).__name__)
                    return
        self.status.sql_error = None
        self.status.recorded += len(records)
        await self._feed(records)
        await stream.acknowledge([entry for entry, _ in good])

    def _insert(self, records: Sequence[CallRecord]) -> None:
        """What is to be traced goes to the outbox in the same transaction: neither is ever there without the other."""
        with writing(self._engine) as connection:
            new = insert_calls(connection, records, self._link)
            for relay in self._relays:
                relay.enqueue(connection, new)

    async def _feed(self, records: Sequence[CallRecord]) -> None:
        for sink in self._sinks:
            try:
                async with asyncio.timeout(_SINK_SECONDS):
                    await sink.write(records)
            except Exception as error:  # noqa: BLE001, RUF100 - a sink may fail as it likes
                self.status.sink_failures += 1
                logger.warning("a trace sink failed", extra={"sink": type(sink).__name__, "error": type(error).__name__})

    async def _bury(self, stream: CallStream, entry: Entry, why: str) -> None:
        await stream.bury(entry, why)
        self.status.buried += 1
        logger.error("a call could not be recorded", extra={"entry": entry.id, "moved_to": stream.dead_key, "why": why})

    async def _measure(self, streams: dict[str, CallStream]) -> None:
        while True:
            with contextlib.suppress(RedisError, OSError):
                self.status.backlog = {name: await stream.backlog(time.time()) for name, stream in [*streams.items()]}
            await asyncio.sleep(_MEASURE_SECONDS)

    def _sql_failed(self, error: Exception) -> None:
        if self.status.sql_error is None:
            logger.error("the ledger can't be written; records wait in Redis", extra={"error": type(error).__name__})
        self.status.sql_error = str(error) if isinstance(error, StoreError) else f"the database refuses: {type(error).__name__}"

    def _redis_failed(self, error: Exception) -> None:
        if self.status.redis_error is None:
            logger.error("Redis can't be read; records wait there", extra={"error": type(error).__name__})
        self.status.redis_error = type(error).__name__


class _Pause:
    """Waits longer each time, from 0.1 to 5 seconds."""

    def __init__(self) -> None:
        self._seconds = 0.1

    async def wait(self) -> None:
        await asyncio.sleep(self._seconds)
        self._seconds = min(self._seconds * 2, _LONGEST_PAUSE)

    def reset(self) -> None:
        self._seconds = 0.1


def _is_of_the_record(error: Exception) -> bool:
    """The record holds a value that the database can't; any other failure is the database's own and will pass."""
    if isinstance(error, ProgrammingError):  # of the driver, which can't pass such a value on; or, with a state, of the server
        return getattr(error.orig, "sqlstate", None) is None
    return isinstance(error, DataError | IntegrityError | OverflowError | ValueError | TypeError)


def _organization_ids(engine: Engine) -> list[str]:
    """With the one of callers who are nobody's."""
    with reading(engine) as connection:
        return [NOBODY, *connection.execute(select(OrganizationRow.id)).scalars()]


def _parse(entry: Entry) -> CallRecord:
    if entry.data is None:
        raise ValueError("no record")
    # PostgreSQL has no NUL in text, and a client may put one in a model's name.
    return CallRecord.from_json(entry.data.replace(rb"\u0000", rb"\ufffd"))
