"""Delivers what waits in the outbox to one trace sink: in batches, again and again, until the sink has it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from sallyport.store.errors import StoreError
from sallyport.tracing import outbox
from sallyport.tracing.record import CallRecord
from sallyport.tracing.sinks import RejectedError, TraceSink

logger = logging.getLogger(__name__)

_GATHER_SECONDS = 0.2
_SCAN_SECONDS = 5.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_CLOSE_SECONDS = 5.0
_SENDERS = 8


class Relay:
    """A sink of the recorder. No failure of SQL or of the far end ends it, none holds up a call or another lane."""

    def __init__(self, engine: Engine, sink: TraceSink) -> None:
        self._engine = engine
        self._sink = sink
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._news: set[str] = set()
        self._failing: set[str] = set()
        self._closing = asyncio.Event()
        self._senders = asyncio.Semaphore(_SENDERS)
        self.delivered = 0
        self.dropped = 0
        """Records that the far end refused for good, or for which there was no more room."""
        self.waiting = 0

    @property
    def name(self) -> str:
        return self._sink.name

    def enqueue(self, connection: Connection, records: Sequence[CallRecord]) -> None:
        """In the transaction that brings these records to the ledger."""
        laned = [(lane, record) for record in records if (lane := self._sink.lane(record)) is not None]
        outbox.put(connection, self.name, laned)

    async def write(self, records: Sequence[CallRecord]) -> None:
        """They are in the outbox: begin."""
        for lane in {lane for record in records if (lane := self._sink.lane(record)) is not None}:
            self._begin(lane)

    async def close(self) -> None:
        """What is left stays in the outbox; see `run`."""

    async def run(self) -> None:
        """Until cancelled; then what can leave within a few seconds does."""
        try:
            while True:
                with contextlib.suppress(StoreError, SQLAlchemyError):
                    self._dropped(await asyncio.to_thread(outbox.trim, self._engine, self.name), "there was no more room")
                    self.waiting, _ = await asyncio.to_thread(outbox.waiting, self._engine, self.name)
                    for lane in await asyncio.to_thread(outbox.lanes, self._engine, self.name):
                        self._begin(lane)
                await asyncio.sleep(_SCAN_SECONDS)
        finally:
            self._closing.set()
            if self._lanes:
                _, late = await asyncio.wait([*self._lanes.values()], timeout=_CLOSE_SECONDS)
                for task in late:
                    task.cancel()

    def _begin(self, lane: str) -> None:
        self._news.add(lane)
        if lane not in self._lanes:
            self._lanes[lane] = asyncio.create_task(self._empty(lane))

    async def _empty(self, lane: str) -> None:
        try:
            await self._deliver_all(lane)
        finally:
            del self._lanes[lane]

    async def _deliver_all(self, lane: str) -> None:
        """Until nothing waits in this lane, or the gateway ends while its far end is away."""
        pause = _FIRST_PAUSE
        await self._wait(_GATHER_SECONDS)  # calls come in bursts: a short wait lets one request carry many
        while True:
            try:
                self._news.discard(lane)
                batch = await asyncio.to_thread(outbox.claim, self._engine, self.name, lane, time.time())
                if not batch and lane not in self._news:
                    return
                if await self._deliver(lane, batch):
                    pause = _FIRST_PAUSE
                    continue
                await asyncio.to_thread(outbox.release, self._engine, self.name, lane, [record.id for record in batch])
            except (StoreError, SQLAlchemyError):
                pass  # the recorder says so; what was claimed is free again in a while
            if await self._wait(pause):
                return
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _deliver(self, lane: str, records: Sequence[CallRecord]) -> bool:
        """False: the far end is away."""
        if not records:
            return True
        try:
            async with self._senders:
                await _in_thread(lambda: self._sink.send(lane, records))
        except RejectedError as error:
            if len(records) > 1:  # one of them is at fault; the others go
                return all([await self._deliver(lane, [record]) for record in records])
            self._dropped(1, str(error))
        except Exception as error:  # noqa: BLE001, RUF100 - a sink may fail as it likes
            if lane not in self._failing:
                extra = {"sink": self.name, "lane": lane, "error": str(error) or type(error).__name__}
                logger.warning("traces can't be delivered; they wait", extra=extra)
            self._failing.add(lane)
            return False
        else:
            self.delivered += len(records)
            self._failing.discard(lane)
        await asyncio.to_thread(outbox.done, self._engine, self.name, lane, [record.id for record in records])
        return True

    def _dropped(self, count: int, why: str) -> None:
        self.dropped += count
        if count:
            logger.warning("traces were dropped", extra={"sink": self.name, "records": count, "why": why})

    async def _wait(self, seconds: float) -> bool:
        """True: the gateway ends."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)
        return self._closing.is_set()


async def _in_thread(work: Callable[[], None]) -> None:
    """In a daemon thread: a far end that hangs must not keep the process from ending, as a thread of a pool would."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if not done.done():
            done.set_exception(error) if error else done.set_result(None)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as raised:  # noqa: BLE001, RUF100 - handed on
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=run, name="trace sink", daemon=True).start()
    await done
