from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sallyport.ids import new_id
from sallyport.store.database import open_database, writing
from sallyport.tracing import outbox, relay
from sallyport.tracing.record import CallRecord
from sallyport.tracing.relay import Relay
from sallyport.tracing.sinks import RejectedError


class Far:
    """A far end that can be away, hang, or refuse some records."""

    name = "far"

    def __init__(self) -> None:
        self.got: list[str] = []
        self.batches: list[int] = []
        self.away: set[str] = set()
        self.refused: set[str] = set()
        self.hanging = threading.Event()
        self.hanging.set()

    def lane(self, record: CallRecord) -> str | None:
        return record.workspace_id

    def send(self, lane: str, records: Sequence[CallRecord]) -> None:
        self.hanging.wait()
        self.batches.append(len(records))
        if lane in self.away:
            raise OSError("away")
        if any(record.id in self.refused for record in records):
            raise RejectedError("never")
        self.got += [record.id for record in records]


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    for name in ("_GATHER_SECONDS", "_FIRST_PAUSE", "_LONGEST_PAUSE"):
        monkeypatch.setattr(relay, name, 0.01)
    far = Far()
    yield far
    far.hanging.set()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(tmp_path / "gateway.db")
    yield engine
    engine.dispose()


def call(workspace_id: str | None = "w") -> CallRecord:
    return CallRecord(id=new_id(), started_at=time.time(), workspace_id=workspace_id)


@asynccontextmanager
async def running(engine: Engine, far: Far) -> AsyncGenerator[Relay]:
    one = Relay(engine, far)
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def record(engine: Engine, relay: Relay, *records: CallRecord) -> None:
    """As the recorder does."""
    with writing(engine) as connection:
        relay.enqueue(connection, records)
    await relay.write(records)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(8):
        while not condition():  # noqa: ASYNC110 - another thread's state
            await asyncio.sleep(0.01)


async def until_empty(engine: Engine) -> None:
    await until(lambda: not outbox.lanes(engine, "far"))


async def test_calls_are_delivered_in_few_batches(engine: Engine, far: Far) -> None:
    records = [call() for _ in range(250)]
    async with running(engine, far) as relay:
        await record(engine, relay, *records)
        await until_empty(engine)
    assert sorted(far.got) == sorted(record.id for record in records)
    assert len(far.batches) == 3
    assert (relay.delivered, relay.dropped) == (250, 0)


async def test_what_is_traced_nowhere_does_not_wait(engine: Engine, far: Far) -> None:
    async with running(engine, far) as relay:
        await record(engine, relay, call(None))
    assert outbox.waiting(engine, "far") == (0, 0)


async def test_a_far_end_that_comes_back_gets_what_waited(engine: Engine, far: Far, caplog: pytest.LogCaptureFixture) -> None:
    far.away = {"w"}
    records = [call() for _ in range(5)]
    async with running(engine, far) as relay:
        await record(engine, relay, *records)
        await until(lambda: len(far.batches) >= 3)
        far.away = set()
        await until_empty(engine)
    assert sorted(far.got) == sorted(record.id for record in records)
    assert caplog.text.count("traces can't be delivered; they wait") == 1


async def test_one_place_that_is_away_or_hangs_holds_up_no_other(engine: Engine, far: Far) -> None:
    far.away = {"broken"}
    theirs, ours = call("broken"), call("fine")
    async with running(engine, far) as relay:
        await record(engine, relay, theirs, ours)
        await until(lambda: far.got)
    assert far.got == [ours.id]
    assert outbox.lanes(engine, "far") == {"broken"}


async def test_a_refused_record_goes_alone(engine: Engine, far: Far) -> None:
    good, bad, better = call(), call(), call()
    far.refused = {bad.id}
    async with running(engine, far) as relay:
        await record(engine, relay, good, bad, better)
        await until_empty(engine)
    assert sorted(far.got) == sorted([good.id, better.id])
    assert relay.dropped == 1


async def test_what_waits_outlives_the_process(engine: Engine, far: Far) -> None:
    far.away = {"w"}
    waiting = call()
    async with running(engine, far) as relay:
        await record(engine, relay, waiting)
    far.away = set()
    async with running(engine, far):
        await until_empty(engine)
    assert far.got == [waiting.id]


async def test_a_far_end_that_hangs_does_not_keep_the_gateway_from_ending(
    engine: Engine, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "_CLOSE_SECONDS", 0.05)
    far.hanging.clear()
    async with running(engine, far) as one:
        await record(engine, one, call())
    assert far.got == []
    assert outbox.waiting(engine, "far")[0] == 1
