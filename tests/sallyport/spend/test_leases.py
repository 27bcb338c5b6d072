"""Workers that die: their calls are charged once, and nothing they held stays held."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from sallyport.spend.plan import settlement
from sallyport.spend.reaper import REASON, reap
from sallyport.spend.script import Script
from tests.sallyport.spend.desk import Desk, cap, limit

LEASE = 30


async def test_a_dead_workers_call_is_charged_as_expected(desk: Desk) -> None:
    desk.policies = (cap(1, strict=True, workspace_id="w"), limit("tokens", "hour", 1000))
    record = desk.call(provider="openai", model="gpt-4o")
    await desk.admit(record, expected=70, worst=5000)
    desk.clock.now += LEASE - 1
    assert await reap(desk.client, ["o"], desk.clock.now) == 0
    desk.clock.now += 2
    assert await reap(desk.client, ["elsewhere", "o"], desk.clock.now) == 1
    assert await desk.spent() == 70
    assert await desk.left_over() == []
    (published,) = await desk.published()
    assert (published.id, published.outcome, published.reason, published.estimated) == (record.id, "aborted", REASON, True)
    assert (published.cost_nano, published.model) == (70, "gpt-4o")


async def test_reaping_is_done_once_however_many_reap(desk: Desk) -> None:
    for _ in range(20):
        await desk.admit(desk.call(), expected=10)
    desk.clock.now += LEASE + 1
    counts = await asyncio.gather(*(reap(desk.client, ["o"], desk.clock.now) for _ in range(4)))
    assert sum(counts) == 20
    assert await desk.spent() == 200
    assert len(await desk.published()) == 20


async def test_settling_after_reaping_changes_nothing(desk: Desk) -> None:
    record = desk.call()
    await desk.admit(record, expected=10)
    desk.clock.now += LEASE + 1
    await reap(desk.client, ["o"], desk.clock.now)
    await desk.gate.settle(replace(record, cost_nano=999))
    assert await desk.spent() == 10
    assert len(await desk.published()) == 1


async def test_a_renewed_lease_is_not_reaped(desk: Desk) -> None:
    running, dead = desk.call(), desk.call()
    await desk.admit(running)
    await desk.admit(dead)
    desk.clock.now += LEASE - 5
    await desk.gate.renew([running])
    desk.clock.now += 10
    assert await reap(desk.client, ["o"], desk.clock.now) == 1
    await desk.gate.settle(replace(running, cost_nano=3))
    assert await desk.left_over() == []
    assert {record.id: record.outcome for record in await desk.published()} == {dead.id: "aborted", running.id: "success"}


async def test_renewing_a_settled_call_brings_nothing_back(desk: Desk) -> None:
    record = desk.call()
    await desk.admit(record)
    await desk.gate.settle(record)
    await desk.gate.renew([record])
    await desk.gate.renew([])
    assert await desk.left_over() == []


async def test_a_lost_passed_through_call_costs_no_budget(desk: Desk) -> None:
    await desk.admit(desk.call(passthrough=True), expected=10)
    desk.clock.now += LEASE + 1
    assert await reap(desk.client, ["o"], desk.clock.now) == 1
    assert await desk.spent() == 0
    assert (await desk.published())[0].cost_nano == 10


async def test_a_lease_renewed_while_it_was_being_reaped_stands(desk: Desk) -> None:
    record = desk.call()
    await desk.admit(record)
    seen_expired = desk.clock.now + LEASE + 1
    desk.clock.now = seen_expired
    await desk.gate.renew([record])
    keys, arguments = settlement(replace(record, cost_nano=10), expired_by=seen_expired)
    assert await Script("settle.lua").run(desk.client, keys, arguments) == 0
    assert await desk.spent() == 0
    await desk.gate.settle(replace(record, cost_nano=3))
    assert await desk.spent() == 3
