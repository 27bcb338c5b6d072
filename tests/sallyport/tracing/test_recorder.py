# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from sqlalchemy import Engine, insert, select, text

from sallyport.ids import new_id
from sallyport.spend.keys import calls_stream
from sallyport.store.call_tables import CallRow, ViolationRow
from sallyport.store.database import open_database, writing
from sallyport.store.tables import OrganizationRow
from sallyport.supervisor.redis_server import configuration, find_server, url, wait_until_ready
from sallyport.tracing.record import CallRecord, Fired
from sallyport.tracing.recorder import Recorder

ORG = "acme"
STREAM = calls_stream(ORG)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_database(tmp_path / "gateway.db")
    with writing(engine) as connection:
        connection.execute(insert(OrganizationRow).values(id=ORG, name="Acme", created_at=0.0))
    return engine


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Any]:
    async with Redis.from_url(redis_url) as client:
        yield client


class ListSink:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.closed = False

    async def write(self, records: Sequence[CallRecord]) -> None:
        self.seen += [record.id for record in records]

    async def close(self) -> None:
        self.closed = True


class BrokenSink(ListSink):
    async def write(self, records: Sequence[CallRecord]) -> None:
        raise RuntimeError("no")


def call(**fields: Any) -> CallRecord:
    return CallRecord(id=new_id(), started_at=time.time(), organization_id=ORG, **fields)


async def publish(client: Any, *records: CallRecord, stream: str = STREAM) -> None:
    for record in records:
        await client.xadd(stream, {"record": record.to_json()})


def ledger(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        ids = list(connection.execute(select(CallRow.id)).scalars())
    assert len(ids) == len(set(ids))
    return set(ids)


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(recorder: Recorder) -> AsyncGenerator[asyncio.Task[None]]:
    task = asyncio.create_task(recorder.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_call_is_in_the_ledger_at_once_and_redis_forgets_it(client: Any, engine: Engine) -> None:
    sink = ListSink()
    record = call(provider="openai", model="gpt", cost_nano=123, redactions={"EMAIL": 2})
    async with running(Recorder(client, engine, [sink])):
        await until(lambda: _grouped(client))
        began = time.monotonic()
        await publish(client, record)
        await until(lambda: ledger(engine) == {record.id})
        assert time.monotonic() - began < 3
        await until(lambda: _empty(client))
    assert sink.seen == [record.id]
    assert sink.closed


async def _grouped(client: Any) -> bool:
    try:
        return len(await client.xinfo_groups(STREAM)) == 1
    except ResponseError:
        return False


async def _empty(client: Any) -> bool:
    return await client.xlen(STREAM) == 0 and (await client.xpending(STREAM, "recorder"))["pending"] == 0


async def test_many_calls_arrive_whole_and_in_few_transactions(client: Any, engine: Engine) -> None:
    records = [call() for _ in range(1200)]
    pipe = client.pipeline()
    for record in records:
        pipe.xadd(STREAM, {"record": record.to_json()})
    await pipe.execute()
    recorder = Recorder(client, engine)
    async with running(recorder):
        await until(lambda: recorder.status.recorded == 1200)
    assert ledger(engine) == {record.id for record in records}


async def test_a_call_published_twice_is_recorded_once(client: Any, engine: Engine) -> None:
    record = call(fired=[Fired("p", "PII", "guard", "redacted", "EMAIL × 1")])
    await publish(client, record, record)
    async with running(Recorder(client, engine)):
        await until(lambda: _empty(client))
        await publish(client, record)
        await until(lambda: _empty(client))
    assert ledger(engine) == {record.id}
    with engine.connect() as connection:
        assert connection.execute(select(ViolationRow.count)).scalars().all() == [1]


async def test_what_a_dead_recorder_held_is_taken_over(client: Any, engine: Engine) -> None:
    held, later = [call() for _ in range(3)], [call() for _ in range(2)]
    await client.xgroup_create(STREAM, "recorder", "0", mkstream=True)
    await publish(client, *held)
    await client.xreadgroup("recorder", "here", {STREAM: ">"})  # … and dies
    await publish(client, *later)
    async with running(Recorder(client, engine, consumer="here")):
        await until(lambda: _empty(client))
    assert ledger(engine) == {record.id for record in [*held, *later]}


async def test_a_recorder_ended_again_and_again_loses_and_doubles_nothing(client: Any, engine: Engine) -> None:
    records = [call() for _ in range(300)]

    async def produce() -> None:
        for record in records:
            await publish(client, record)

    producing = asyncio.create_task(produce())
    for _ in range(6):
        async with running(Recorder(client, engine)):
            await asyncio.sleep(0.03)
    await producing
    async with running(Recorder(client, engine)):
        await until(lambda: _empty(client))
    assert ledger(engine) == {record.id for record in records}


async def test_while_the_database_is_locked_records_wait_in_redis(client: Any, tmp_path: Path, engine: Engine) -> None:
    engine.dispose()

    record = call()
    recorder = Recorder(client, engine)
    blocker = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)
    async with running(recorder):
        await until(lambda: _grouped(client))
        blocker.execute("BEGIN EXCLUSIVE")
        await publish(client, record)
        await until(lambda: _handed_out(client))
        assert await client.xlen(STREAM) == 1
        blocker.execute("ROLLBACK")
        await until(lambda: _empty(client))
    blocker.close()
    assert ledger(engine) == {record.id}


async def _handed_out(client: Any) -> bool:
    return (await client.xpending(STREAM, "recorder"))["pending"] == 1


async def test_a_database_without_tables_is_waited_for_and_named(client: Any, engine: Engine) -> None:
    record = call()
    recorder = Recorder(client, engine)
    async with running(recorder):
        await until(lambda: _grouped(client))
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE calls RENAME TO gone"))
        await publish(client, record)
        await until(lambda: recorder.status.sql_error is not None)
        assert await client.xlen(STREAM) == 1
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE gone RENAME TO calls"))
        await until(lambda: _empty(client))
        assert recorder.status.sql_error is None
    assert ledger(engine) == {record.id}


async def test_what_is_no_record_is_moved_aside(client: Any, engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    good = call()
    too_big, wrong = call(cost_nano=2**63), call(cost_nano={})
    await client.xadd(STREAM, {"record": b'{"secret canary'})
    await client.xadd(STREAM, {"other": b"x"})
    await publish(client, good, too_big, wrong)
    recorder = Recorder(client, engine)
    async with running(recorder):
        await until(lambda: _empty(client))
    assert ledger(engine) == {good.id}
    assert recorder.status.buried == 4
    dead = [fields[b"record"] for _, fields in await client.xrange(f"{STREAM}:dead")]
    assert dead == [b'{"secret canary', b"", too_big.to_json(), wrong.to_json()]
    assert "canary" not in caplog.text
    assert "could not be recorded" in caplog.text


async def test_a_broken_sink_stops_neither_the_ledger_nor_the_others(client: Any, engine: Engine) -> None:
    sink, record = ListSink(), call()
    await publish(client, record)
    recorder = Recorder(client, engine, [BrokenSink(), sink])
    async with running(recorder):
        await until(lambda: _empty(client))
    assert ledger(engine) == {record.id}
    assert sink.seen == [record.id]
    assert recorder.status.sink_failures == 1


async def test_calls_of_nobody_are_recorded(client: Any, engine: Engine) -> None:
    record = CallRecord(id=new_id(), started_at=time.time(), outcome="blocked", reason="key_missing")
    await publish(client, record, stream=calls_stream(None))
    async with running(Recorder(client, engine)):
        await until(lambda: ledger(engine) == {record.id})


async def test_redis_that_forgot_everything_is_started_over_with(client: Any, engine: Engine) -> None:
    record = call()
    async with running(Recorder(client, engine)):
        await until(lambda: _grouped(client))
        await client.flushall()
        await publish(client, record)
        await until(lambda: ledger(engine) == {record.id})


async def test_a_character_that_postgresql_has_not_costs_no_record(client: Any, engine: Engine) -> None:
    record = call(model="gpt\x00")
    await publish(client, record)
    async with running(Recorder(client, engine)):
        await until(lambda: ledger(engine) == {record.id})
    with engine.connect() as connection:
        assert connection.execute(select(CallRow.model)).scalar() == "gpt\ufffd"


async def test_redis_may_go_and_come_back(tmp_path: Path, engine: Engine) -> None:
    socket = tmp_path / "redis.sock"
    record = call()
    async with Redis.from_url(url(socket)) as client:
        recorder = Recorder(client, engine)
        async with running(recorder):
            await until(lambda: recorder.status.redis_error is not None)
            with own_redis(socket):
                await until(lambda: recorder.status.redis_error is None)
            await until(lambda: recorder.status.redis_error is not None)
            with own_redis(socket):
                await publish(client, record)
                await until(lambda: ledger(engine) == {record.id})


@contextlib.contextmanager
def own_redis(socket: Path) -> Generator[None]:
    process = subprocess.Popen([find_server(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(configuration(socket.parent, socket))
    process.stdin.close()
    try:
        wait_until_ready(socket, process.pid)
        yield
    finally:
        process.kill()
        process.wait()


async def test_the_backlog_is_measured(client: Any, engine: Engine) -> None:
    recorder = Recorder(client, engine)
    async with running(recorder):
        await until(lambda: ORG in recorder.status.backlog)
    assert recorder.status.waiting == 0
    assert recorder.status.lag_seconds == 0.0
