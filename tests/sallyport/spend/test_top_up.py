"""A running call asks for more: as much as its strict caps have room for, once, and given back when it is settled."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from policies.spend_cap import caps_for
from sallyport.spend.admission import Topped
from sallyport.spend.reaper import reap
from sallyport.tracing.record import CallRecord
from tests.sallyport.spend.desk import Desk, cap


async def top_up(desk: Desk, record: CallRecord, spent: int, wanted: int) -> Topped:
    caps = caps_for(desk.policies, desk.subject)
    return await desk.gate.top_up(record, caps=caps, spent_nano=spent, wanted_nano=wanted)


async def held(desk: Desk) -> int:
    names = list(await desk.client.keys("*:spend:daily:*"))
    return int(await desk.client.hget(names[0], "held:workspace_id=w") or 0)


async def admitted(desk: Desk, **amounts: int) -> CallRecord:
    record = desk.call()
    assert (await desk.admit(record, **amounts)).admitted
    return record


async def test_more_is_held_and_asking_twice_changes_nothing(desk: Desk):
    desk.policies = (cap("0.000005", workspace_id="w"),)  # 5000 nano-dollars
    record = await admitted(desk, expected=100)
    for _ in range(2):
        assert await top_up(desk, record, 150, 700) == Topped(700)
        assert await held(desk) == 700
    assert await top_up(desk, record, 150, 600) == Topped(700)  # an answer that came late takes nothing back


async def test_a_cap_that_is_not_strict_stops_no_running_call_but_others_sooner(desk: Desk):
    desk.policies = (cap("0.000001", workspace_id="w"),)
    record = await admitted(desk, expected=100)
    assert await top_up(desk, record, 1500, 2000) == Topped(2000)
    assert not (await desk.admit(desk.call(), expected=1)).admitted


async def test_a_strict_cap_gives_what_it_has_and_then_says_which_it_is(desk: Desk):
    desk.policies = (cap("0.000001", strict=True, workspace_id="w"), cap("1", strict=True, user_id="u"))
    record = await admitted(desk, worst=600)
    other = await admitted(desk, worst=300)
    assert await top_up(desk, record, 650, 5000) == Topped(700)  # the other call holds 300
    blocked = (await top_up(desk, record, 701, 5000)).blocked
    assert [(block.policy.name, block.scope, block.firm) for block in blocked] == [(desk.policies[0].name, "workspace", False)]
    assert await held(desk) == 1000
    await desk.gate.settle(replace(other, cost_nano=50))
    assert await top_up(desk, record, 701, 5000) == Topped(950)


async def test_nothing_is_left_of_it_after_the_settlement(desk: Desk):
    desk.policies = (cap("1", strict=True, workspace_id="w"),)
    record = await admitted(desk, worst=600)
    await top_up(desk, record, 650, 5000)
    await desk.gate.settle(replace(record, cost_nano=4000))
    assert await desk.spent() == 4000
    assert await desk.left_over() == []
    assert await top_up(desk, record, 4500, 9000) == Topped(9000)  # charged already: it may go on, and holds nothing
    assert await desk.left_over() == []


async def test_a_worker_that_dies_later_owes_what_had_been_streamed(desk: Desk):
    desk.policies = (cap("1", workspace_id="w"),)
    record = await admitted(desk, expected=100)
    await top_up(desk, record, 3000, 5000)
    desk.clock.now += 31
    assert await reap(desk.client, ["o"], desk.clock.now) == 1
    assert await desk.spent() == 3000
    assert (await desk.published())[0].cost_nano == 3000


@pytest.mark.parametrize("strict", [True, False])
async def test_many_at_once_never_hold_more_than_a_strict_cap(desk: Desk, *, strict: bool):
    desk.policies = (cap("0.00001", strict=strict, workspace_id="w"),)  # 10,000 nano-dollars
    records = [await admitted(desk, expected=100, worst=100) for _ in range(20)]
    for step in range(1, 12):
        await asyncio.gather(*(top_up(desk, record, 100 * step, 130 * step) for record in records))
    assert (await held(desk) <= 10_000) is strict
