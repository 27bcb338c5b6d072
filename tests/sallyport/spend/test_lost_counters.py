"""Redis that was emptied, or started anew: nobody is admitted against counters that lack something, and nothing is forgotten."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import redis.asyncio
from sqlalchemy import Engine

from policies.spend_cap import caps_for
from sallyport.spend import keys
from sallyport.spend.connection import connect
from sallyport.spend.gate import SpendGate, StoreUnavailable
from sallyport.spend.journal import Journal
from sallyport.spend.ledger import insert_calls
from sallyport.spend.reaper import reap
from sallyport.spend.reconcile import compare, needs_rebuild, repair
from sallyport.spend.replay import Journals
from sallyport.store.database import open_database, writing
from sallyport.tracing.record import CallRecord
from tests.sallyport.spend.desk import Clock, Desk, cap, limit, whole

CAP = "0.0000001"  # 100 nano-dollars
OLD = time.time() - 60


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(tmp_path / "gateway.db")
    yield engine
    engine.dispose()


@pytest.fixture
async def desk(redis_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A worker that keeps a journal, at the time it is."""
    clock = Clock(time.time())
    async with connect(redis_url) as client:
        await whole(client)
        journal = Journal(tmp_path / "journals")
        gate = SpendGate(client, lease_seconds=30, answer_seconds=5, journal=journal, clock=clock)
        yield Desk(client, clock, gate, journal=journal)
        journal.close()


@pytest.fixture
def journals(desk: Desk, engine: Engine, tmp_path: Path) -> Journals:
    return Journals(tmp_path / "journals", desk.client, engine, lease_seconds=30)


def record(engine: Engine, *calls: CallRecord) -> None:
    with writing(engine) as connection:
        insert_calls(connection, calls)


async def recorder(desk: Desk, engine: Engine) -> None:
    """Brings all that waits to the ledger."""
    record(engine, *await desk.published())
    await desk.client.delete(keys.calls_stream("o"))


async def settled(desk: Desk, cost: int) -> CallRecord:
    call = replace(desk.call(), cost_nano=cost)
    assert (await desk.admit(call)).admitted
    await desk.gate.settle(call)
    return call


async def rebuild(desk: Desk, engine: Engine, journals: Journals) -> None:
    await desk.noted()
    found = await compare(desk.client, engine, "o", desk.policies, at=desk.clock.now, meanwhile=journals.replay_all)
    assert await repair(desk.client, found)


async def drift(desk: Desk, engine: Engine) -> list[int]:
    found = await compare(desk.client, engine, "o", desk.policies, at=desk.clock.now)
    return [entry.drift_nano for entry in found.drifted]


async def test_a_call_under_a_cap_waits_until_the_counters_are_whole(desk: Desk, engine: Engine, journals: Journals) -> None:
    desk.policies = (cap(CAP, workspace_id="w"),)
    record(engine, await settled(desk, 100))
    await desk.client.flushall()
    asked = asyncio.create_task(desk.admit(desk.call()))
    done, _ = await asyncio.wait([asked], timeout=0.3)
    assert not done
    await rebuild(desk, engine, journals)
    assert not (await asked).admitted


async def test_without_a_cap_nothing_waits(desk: Desk) -> None:
    desk.policies = (limit("requests", "hour", 10),)
    await desk.client.flushall()
    assert (await desk.admit(desk.call())).admitted


async def test_counters_that_do_not_come_back_in_time_are_an_unavailable_store(desk: Desk) -> None:
    desk.policies = (cap(CAP, workspace_id="w"),)
    desk.gate = SpendGate(desk.client, lease_seconds=30, answer_seconds=0.2, clock=desk.clock)
    await desk.client.flushall()
    with pytest.raises(StoreUnavailable):
        await desk.admit(desk.call())


async def test_a_server_that_was_started_anew_is_compared_with_the_ledger_first(desk: Desk, engine: Engine) -> None:
    """It kept its file but may lack what it acknowledged last; that its memory of scripts is gone gives it away."""
    desk.policies = (cap(CAP, workspace_id="w"),)
    await settled(desk, 60)
    await desk.client.script_flush()
    desk.gate = SpendGate(desk.client, lease_seconds=30, answer_seconds=0.2, clock=desk.clock)
    with pytest.raises(StoreUnavailable):
        await desk.admit(desk.call())
    assert await needs_rebuild(desk.client, "o")
    found = await compare(desk.client, engine, "o", at=desk.clock.now)
    assert found.drifted == ()
    await repair(desk.client, found)
    assert (await desk.admit(desk.call())).admitted


async def test_what_was_settled_and_not_recorded_yet_comes_back(desk: Desk, engine: Engine, journals: Journals) -> None:
    desk.policies = (cap(CAP, workspace_id="w", user_id="u"),)
    record(engine, await settled(desk, 40))
    waiting = await settled(desk, 25)
    await desk.client.flushall()
    await rebuild(desk, engine, journals)
    assert await desk.spent() == await desk.spent("workspace_id=w&user_id=u") == 65
    await recorder(desk, engine)
    assert await drift(desk, engine) == []
    await desk.gate.settle_again(waiting)
    assert await desk.spent() == 65


async def test_what_calls_in_flight_had_reserved_comes_back_and_is_settled_once(
    desk: Desk, engine: Engine, journals: Journals
) -> None:
    desk.policies = (cap(CAP, strict=True, workspace_id="w"), cap(1, header_team="blue"))
    running = desk.call()
    assert (await desk.admit(running, worst=80)).admitted
    await desk.client.flushall()
    await rebuild(desk, engine, journals)
    assert not (await desk.admit(desk.call(), worst=21)).admitted
    small = desk.call()
    assert (await desk.admit(small, worst=20)).admitted
    await desk.gate.settle(replace(running, cost_nano=50))
    await desk.gate.settle(replace(small, cost_nano=0))
    assert await desk.spent() == await desk.spent("header:team=blue") == 50
    assert await desk.left_over() == []


async def test_what_a_stream_had_topped_up_comes_back(desk: Desk, engine: Engine, journals: Journals) -> None:
    desk.policies = (cap(CAP, strict=True, workspace_id="w"),)
    running = desk.call()
    assert (await desk.admit(running, worst=30)).admitted
    caps = caps_for(desk.policies, desk.subject)
    assert (await desk.gate.top_up(running, caps=caps, spent_nano=40, wanted_nano=80)).reserved_nano == 80
    await desk.client.flushall()
    await rebuild(desk, engine, journals)
    assert not (await desk.admit(desk.call(), worst=21)).admitted
    assert (await desk.admit(desk.call(), worst=20)).admitted


async def test_many_calls_come_back_through_a_client_that_has_few_connections(
    desk: Desk, engine: Engine, redis_url: str, tmp_path: Path
) -> None:
    """redis-py refuses the connection beyond its last; the console's client has the usual hundred."""
    for _ in range(120):
        await settled(desk, 1)
    await desk.noted()
    await desk.client.flushall()
    async with redis.asyncio.from_url(redis_url, max_connections=25) as client:
        await Journals(tmp_path / "journals", client, engine, lease_seconds=30).replay_all("o")
    assert await desk.spent() == 120


async def test_a_worker_that_died_with_redis_emptied_is_charged_once(desk: Desk, engine: Engine, journals: Journals) -> None:
    running = desk.call()
    await desk.admit(running, expected=70)
    await desk.client.flushall()
    await rebuild(desk, engine, journals)
    assert await reap(desk.client, ["o"], time.time() + 31) == 1
    await recorder(desk, engine)
    await desk.client.flushall()
    await rebuild(desk, engine, journals)
    assert await reap(desk.client, ["o"], time.time() + 31) == 0
    assert await desk.spent() == 70
    assert await drift(desk, engine) == []


async def test_a_settlement_that_redis_forgot_is_charged_once_though_the_ledger_has_it(
    desk: Desk, engine: Engine, journals: Journals
) -> None:
    """Redis was killed before it had synced: the call is reserved again, and was never settled."""
    call = replace(desk.call(), cost_nano=40)
    await desk.admit(call, expected=70)
    before = {name: await desk.client.dump(name) for name in await desk.client.keys("*")}
    await desk.gate.settle(call)
    await recorder(desk, engine)
    await desk.client.flushall()
    for name, value in before.items():
        assert value is not None
        await desk.client.restore(name, 0, value)
    await rebuild(desk, engine, journals)
    assert await reap(desk.client, ["o"], time.time() + 31) == 0
    assert await desk.spent() == 40
    assert await desk.left_over() == []
    await recorder(desk, engine)
    assert await drift(desk, engine) == []


async def test_sweeping_brings_back_what_redis_never_got_and_then_lets_the_file_go(
    desk: Desk, engine: Engine, journals: Journals, tmp_path: Path
) -> None:
    """A worker that was killed while Redis was away: its settlement is in its journal alone."""
    folder = tmp_path / "journals"
    record(engine, await settled(desk, 5))
    await desk.client.delete(keys.calls_stream("o"))
    call = replace(desk.call(), cost_nano=40)
    (down := Journal(folder)).settled(
        call.to_json(),
        b'{"cost":"40","subjects":["workspace_id=w"],"expire":[1e10,1e10,1e10,1e10],"tokens":0,"marker_seconds":900}',
    )
    down.close()
    await desk.noted()
    await journals.sweep()
    assert await desk.published() == []  # not ripe
    for path in folder.iterdir():
        os.utime(path, (OLD, OLD))
    await journals.sweep()
    assert [found.id for found in await desk.published()] == [call.id]
    assert await desk.spent() == 45
    await journals.sweep()
    await recorder(desk, engine)
    await journals.sweep()
    assert list(folder.iterdir()) == []
    assert await desk.spent() == 45


async def test_sweeping_leaves_alone_what_runs_what_waits_and_what_is_damaged(
    desk: Desk, engine: Engine, journals: Journals, tmp_path: Path
) -> None:
    await settled(desk, 7)
    await desk.admit(desk.call())
    await desk.noted()
    (tmp_path / "journals" / "0.jsonl").write_bytes(b'{"settled":{"id":\n\n[]\n"x"\n')
    for path in (tmp_path / "journals").iterdir():
        os.utime(path, (OLD, OLD))
    await journals.sweep()
    assert (len(await desk.published()), await desk.spent()) == (1, 7)
    assert len(list((tmp_path / "journals").iterdir())) == 1


async def test_a_disk_that_fails_costs_no_call_and_is_used_again(desk: Desk, tmp_path: Path) -> None:
    (folder := tmp_path / "gone").mkdir()
    desk.journal = Journal(folder)
    desk.gate = SpendGate(desk.client, lease_seconds=30, journal=desk.journal, clock=desk.clock)
    folder.rmdir()
    await settled(desk, 3)
    assert await desk.spent() == 3
    await desk.noted()
    folder.mkdir()
    again = await settled(desk, 4)
    desk.journal.close()
    (file,) = folder.iterdir()
    assert [orjson.loads(line).keys() for line in file.read_bytes().splitlines()] == [
        {"admitted", "reservation"},
        {"settled", "bill"},
    ]
    assert again.id.encode() in file.read_bytes()


async def test_a_disk_that_hangs_holds_up_no_call_and_then_gets_all_in_order(desk: Desk, tmp_path: Path) -> None:
    """A pipe that nobody reads is a file whose write does not come back."""
    reading_end, writing_end = os.pipe()
    journal = desk.journal
    assert journal is not None
    journal._file = writing_end  # pyright: ignore[reportPrivateUsage] - no disk hangs on demand
    calls = [await settled(desk, 1) for _ in range(100)]  # far more than a pipe holds
    assert await desk.spent() == 100
    journal.turn()
    with os.fdopen(reading_end, "rb") as pipe:
        noted = await asyncio.to_thread(pipe.read)
    entries = [orjson.loads(line) for line in noted.splitlines()]
    assert [next(iter(entry)) for entry in entries] == ["admitted", "settled"] * 100
    assert [entry["settled"]["id"] for entry in entries[1::2]] == [call.id for call in calls]
