"""Settlements that Redis could not take: they wait; one that it never takes holds up no other, and is not lost."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sallyport.spend import keys, rejected
from sallyport.spend.gate import Rejected, SpendGate, StoreUnavailable
from sallyport.spend.journal import Journal
from sallyport.spend.reaper import reap
from sallyport.spend.reconcile import compare
from sallyport.spend.replay import Journals
from sallyport.spend.unsettled import Unsettled
from sallyport.store.database import open_database
from tests.sallyport.spend.desk import Desk

AWAY = StoreUnavailable("it was away")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(tmp_path / "gateway.db")
    yield engine
    engine.dispose()


async def test_a_counter_that_is_none_is_left_out_and_the_call_recorded_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    unsettled, call = Unsettled(), replace(desk.call(), cost_nano=7)
    await desk.admit(call)
    month = keys.spend("o", "monthly", desk.clock.now)
    await desk.client.delete(month)
    await desk.client.set(month, "not a hash")
    with pytest.raises(Rejected) as refused:
        await desk.gate.settle(call)
    unsettled.add(call, refused.value)
    for _ in range(3):
        await unsettled.settle(desk.gate)
    assert len(unsettled) == 0
    assert [found.id for found in await desk.published()] == [call.id]
    assert (await desk.spent(window="hourly"), await desk.spent()) == (7, 7)
    (said,) = [entry.getMessage() for entry in caplog.records if entry.levelname == "ERROR"]
    assert call.id in said
    assert "WRONGTYPE" in said
    assert "spend reconcile --repair" in said


async def test_a_call_that_can_not_be_recorded_holds_up_no_other_and_comes_back_from_the_journal(
    desk: Desk, engine: Engine, tmp_path: Path
) -> None:
    desk.clock.now = time.time()
    journal = Journal(tmp_path / "journals")
    gate, unsettled, before = SpendGate(desk.client, lease_seconds=30, journal=journal), Unsettled(), rejected.count()
    poison = replace(desk.call(), organization_id="damaged", cost_nano=5)
    await desk.client.set(keys.calls_stream("damaged"), "not a stream")
    with pytest.raises(Rejected):
        await gate.settle(poison)
    good = replace(desk.call(), cost_nano=7)
    unsettled.add(poison, AWAY)
    unsettled.add(good, AWAY)
    await unsettled.settle(gate)
    assert (await desk.spent(), len(unsettled)) == (7, 1)
    for _ in range(20):
        await unsettled.settle(gate)
    assert len(unsettled) == 0
    assert rejected.count() == before + 1
    journal.close()
    journals = Journals(tmp_path / "journals", desk.client, engine, lease_seconds=30, clock=lambda: desk.clock.now)
    await journals.replay_all("damaged")  # is rejected again
    await desk.client.delete(keys.calls_stream("damaged"))
    await journals.replay_all("damaged")
    assert await desk.client.xlen(keys.calls_stream("damaged")) == 1


async def test_a_server_that_has_no_memory_left_is_waited_for(desk: Desk) -> None:
    unsettled, call = Unsettled(), replace(desk.call(), cost_nano=7)
    await desk.admit(call)
    unsettled.add(call, AWAY)
    await desk.client.config_set("maxmemory", 1)
    try:
        for _ in range(20):
            with pytest.raises(StoreUnavailable):
                await unsettled.settle(desk.gate)
    finally:
        await desk.client.config_set("maxmemory", 0)
    await unsettled.settle(desk.gate)
    assert (await desk.spent(), len(unsettled)) == (7, 0)


async def test_a_dead_workers_call_that_redis_rejects_holds_up_no_other(desk: Desk, engine: Engine) -> None:
    first = desk.call(started_at=desk.clock.now - 86400)
    await desk.admit(first, expected=70)
    await desk.client.set(keys.spend("o", "hourly", first.started_at), "not a hash")
    second = desk.call()
    await desk.admit(second, expected=30)
    desk.clock.now += 31
    await reap(desk.client, ["o"], desk.clock.now)
    assert await reap(desk.client, ["o"], desk.clock.now) == 0
    assert {call.id: call.cost_nano for call in await desk.published()} == {first.id: 70, second.id: 30}
    found = await compare(desk.client, engine, "o", at=desk.clock.now)
    assert {entry.drift_nano for entry in found.counters if entry.window in ("hourly", "daily")} == {0}
