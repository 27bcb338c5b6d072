"""Counters agree with the ledger, come back from it when Redis lost them, and lose no call that settles meanwhile."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from policies.model import Matcher, Policy
from sallyport.spend import keys, reconcile
from sallyport.spend.ledger import insert_calls
from sallyport.spend.reconcile import Comparison, compare, needs_rebuild, repair
from sallyport.store.database import open_database, writing
from sallyport.tracing.record import CallRecord
from tests.sallyport.spend.desk import NOON, Desk, cap


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(tmp_path / "gateway.db")
    yield engine
    engine.dispose()


def record(engine: Engine, *calls: CallRecord) -> None:
    with writing(engine) as connection:
        insert_calls(connection, calls)


async def settled(desk: Desk, cost: int, **changes: object) -> CallRecord:
    call = replace(desk.call(**changes), cost_nano=cost)
    await desk.admit(call)
    await desk.gate.settle(call)
    return call


def make_default(key: str) -> Policy:
    return Policy("d", "o", "d", "default_spend_cap", "block", (Matcher(key, ""),), cap("1").config)


async def compared(desk: Desk, engine: Engine) -> Comparison:
    return await compare(desk.client, engine, "o", desk.policies, at=NOON)


async def test_nothing_drifts_wherever_a_call_is_on_its_way(desk: Desk, engine: Engine) -> None:
    record(engine, await settled(desk, 5), await settled(desk, 7, workspace_id="w2", user_id=None))
    await desk.client.delete(keys.calls_stream("o"))
    record(engine, await settled(desk, 11))  # in the ledger, and still in the stream
    await settled(desk, 13)  # in the stream alone
    await settled(desk, 17, started_at=NOON - 86400)  # yesterday's
    await settled(desk, 19, passthrough=True)
    found = await compared(desk, engine)
    assert found.drifted == ()
    spent = {entry.subject: entry.ledger_nano for entry in found.counters if entry.window == "daily"}
    assert spent == {"organization_id=o": 36, "workspace_id=w": 29, "workspace_id=w2": 7, "user_id=u": 29, "api_key_id=k": 36}


async def test_counters_that_redis_lost_come_back_and_go_on(desk: Desk, engine: Engine) -> None:
    desk.policies = (cap("0.0000001", workspace_id="w", user_id="u"),)
    record(engine, await settled(desk, 40))
    await desk.client.flushall()
    assert await needs_rebuild(desk.client, "o")
    assert await repair(desk.client, await compared(desk, engine))
    assert not await needs_rebuild(desk.client, "o")
    assert await desk.spent() == await desk.spent("workspace_id=w&user_id=u") == 40
    await settled(desk, 60)
    assert not (await desk.admit(desk.call())).admitted


async def test_caps_on_headers_and_groups_agree_with_the_ledger_and_come_back_from_it(desk: Desk, engine: Engine) -> None:
    group = (Matcher("user_id", "u"), Matcher("user_id", "v"))
    both = Policy("g", "o", "g", "spend_cap", "block", group, cap("1").config)
    desk.policies = (cap("1", header_team="blue"), make_default("header:team"), both)
    record(engine, await settled(desk, 40, headers={"team": "blue"}))
    await settled(desk, 2, headers={"team": "blue"})
    record(engine, await settled(desk, 1, user_id="v", headers={}))  # admitted as the desk's subject all the same
    found = await compared(desk, engine)
    assert [(entry.subject, entry.drift_nano) for entry in found.drifted] == [("header:team=blue", 1)] * 4
    await desk.client.flushall()
    assert await repair(desk.client, await compared(desk, engine))
    assert await desk.spent("header:team=blue") == 40
    assert await desk.spent("user_id=u|v") == 41


async def test_drift_is_found_both_ways_and_set_right_beside_open_reservations(desk: Desk, engine: Engine) -> None:
    desk.policies = (cap("1", workspace_id="w"),)
    record(engine, await settled(desk, 40))
    opened = desk.call()
    await desk.admit(opened, expected=60)
    name = keys.spend("o", "daily", NOON)
    await desk.client.hincrby(name, "workspace_id=w", -3)
    await desk.client.hincrby(name, "user_id=nobody", 9)
    found = await compared(desk, engine)
    assert [(entry.subject, entry.drift_nano) for entry in found.drifted] == [("user_id=nobody", 9), ("workspace_id=w", -3)]
    assert await repair(desk.client, found)
    assert (await compared(desk, engine)).drifted == ()
    await desk.gate.settle(replace(opened, cost_nano=1))
    assert await desk.spent() == 41
    assert await desk.left_over() == []


async def test_a_call_that_settles_between_the_ledger_and_the_repair_is_kept(desk: Desk, engine: Engine) -> None:
    record(engine, await settled(desk, 40))
    await desk.client.hincrby(keys.spend("o", "daily", NOON), "workspace_id=w", -3)
    found = await compared(desk, engine)
    record(engine, await settled(desk, 5))
    assert await repair(desk.client, found)
    assert await desk.spent() == 45
    assert (await compared(desk, engine)).drifted == ()


async def test_a_call_settled_and_recorded_between_redis_and_the_ledger_counts_once(
    desk: Desk, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(engine, await settled(desk, 40))
    begin = reconcile._begin  # pyright: ignore[reportPrivateUsage] - the moment that no test can hit from outside

    async def and_then(*arguments: object):
        found = await begin(*arguments)  # pyright: ignore[reportArgumentType] - passed on
        record(engine, await settled(desk, 5))
        await desk.client.delete(keys.calls_stream("o"))
        await settled(desk, 6)
        return found

    monkeypatch.setattr(reconcile, "_begin", and_then)
    found = await compared(desk, engine)
    assert found.drifted == ()
    assert await repair(desk.client, found)
    assert await desk.spent() == 51


@pytest.mark.parametrize("happening", ["flush", "another"])
async def test_a_repair_that_came_too_late_changes_nothing(desk: Desk, engine: Engine, happening: str) -> None:
    record(engine, await settled(desk, 40))
    await desk.client.hincrby(keys.spend("o", "daily", NOON), "workspace_id=w", 2)
    found = await compared(desk, engine)
    other = await compared(desk, engine) if happening == "another" else await desk.client.flushall()
    assert not await repair(desk.client, found)
    assert await desk.spent() == (42 if other and happening == "another" else 0)


async def test_rebuilt_again_and_again_while_calls_settle_nothing_is_lost(desk: Desk, engine: Engine) -> None:
    stream, done = keys.calls_stream("o"), asyncio.Event()

    async def recorder() -> None:
        while not done.is_set() or await desk.client.xlen(stream):
            entries: Any = await desk.client.xrange(stream, count=7)
            calls = [CallRecord.from_json(fields[b"record"]) for _, fields in entries]
            await asyncio.to_thread(record, engine, *calls)
            if entries:
                await desk.client.xdel(stream, *(entry_id for entry_id, _ in entries))

    async def rebuilder() -> int:
        times = 0
        while not done.is_set():
            found = await compared(desk, engine)
            assert found.drifted == ()
            times += await repair(desk.client, found)
        return times

    async def caller(number: int) -> None:
        for cost in range(1, 31):
            await settled(desk, cost, api_key_id=f"k{number}")

    recording, rebuilding = asyncio.create_task(recorder()), asyncio.create_task(rebuilder())
    await asyncio.gather(*(caller(number) for number in range(4)))
    done.set()
    assert await rebuilding > 0
    await recording
    assert await desk.spent() == 4 * 465
    assert (await compared(desk, engine)).drifted == ()
