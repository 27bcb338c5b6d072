"""The gate against a real server: who is admitted, what it costs, what is left behind."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace

import pytest
import redis.asyncio

from policies.model import Subject
from policies.spend_cap import caps_for
from sallyport.spend import keys
from sallyport.spend.gate import SpendGate
from sallyport.tracing.record import CallRecord
from tests.sallyport.spend.desk import NOON, SUBJECT, Desk, cap, make, text

NANO = 10**9


async def settle(desk: Desk, record: CallRecord, cost: int) -> None:
    await desk.gate.settle(replace(record, cost_nano=cost))


async def spend(desk: Desk, cost: int) -> None:
    record = desk.call()
    assert (await desk.admit(record)).admitted
    await settle(desk, record, cost)


async def test_a_settled_call_is_counted_for_its_four_subjects_in_all_four_windows(desk: Desk) -> None:
    await spend(desk, 7)
    for field in ("organization_id=o", "workspace_id=w", "user_id=u", "api_key_id=k"):
        assert [await desk.spent(field, window) for window in ("hourly", "daily", "weekly", "monthly")] == [7] * 4
    assert await desk.left_over() == []
    assert [record.cost_nano for record in await desk.published()] == [7]


async def test_an_open_reservation_is_not_spend(desk: Desk) -> None:
    desk.policies = (cap(1, workspace_id="w"),)
    assert (await desk.admit(desk.call())).admitted
    assert await desk.spent() == 0


async def test_a_cap_made_at_noon_counts_the_spend_since_midnight(desk: Desk) -> None:
    desk.clock.now = NOON - 11 * 3600
    await spend(desk, 2 * NANO)
    desk.clock.now = NOON
    desk.policies = (cap(2, workspace_id="w"),)
    assert not (await desk.admit(desk.call())).admitted


async def test_a_call_without_user_is_counted_for_the_rest(desk: Desk) -> None:
    desk.subject = Subject("o", "w", None, "k")
    await spend(desk, 3)
    assert await desk.spent("api_key_id=k") == 3
    assert await desk.spent("user_id=None") == 0


async def test_all_violated_policies_are_reported_broadest_first_and_nothing_is_reserved(desk: Desk) -> None:
    key, everyone, other = cap(0, "hourly", api_key_id="k"), cap(0, "monthly"), cap(5, workspace_id="w")
    desk.policies = tuple(sorted((key, everyone, other), key=lambda policy: policy.breadth))
    admission = await desk.admit(desk.call())
    assert not admission.admitted
    assert [(block.policy.id, block.scope, block.window, block.ends_at) for block in admission.blocked] == [
        (everyone.id, "organization", "monthly", 1_796_083_200.0),  # 2026-12-01
        (key.id, "api_key", "hourly", NOON + 3600),
    ]
    assert all(block.kind == "spend_limit" and block.firm for block in admission.blocked)
    assert await desk.left_over() == []


async def test_a_cap_refuses_from_the_moment_it_is_reached(desk: Desk) -> None:
    desk.policies = (cap("0.000000100", user_id="u"),)
    await spend(desk, 99)
    await spend(desk, 1)
    (block,) = (await desk.admit(desk.call())).blocked
    assert (block.kind, block.scope, block.firm) == ("spend_limit", "user", True)


async def test_parallel_calls_overshoot_a_cap_by_no_more_than_what_was_in_flight(desk: Desk) -> None:
    desk.policies = (cap("0.000001", workspace_id="w"),)
    records = [desk.call() for _ in range(50)]
    admissions = await asyncio.gather(*(desk.admit(record, expected=100) for record in records))
    running = [record for record, admission in zip(records, admissions, strict=True) if admission.admitted]
    assert len(running) == 10  # 10 × 100 reserve the whole 1000
    blocked = [block for admission in admissions for block in admission.blocked]
    assert not any(block.firm for block in blocked)  # what is in flight may turn out cheaper
    await asyncio.gather(*(settle(desk, record, 150) for record in running))
    assert await desk.spent() == 10 * 150
    assert not (await desk.admit(desk.call())).admitted
    assert await desk.left_over() == []


async def test_many_workers_have_one_cap_between_them(desk: Desk, redis_url: str) -> None:
    desk.policies = (cap("0.000001", strict=True, workspace_id="w"),)
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        workers = [replace(desk, gate=SpendGate(client, lease_seconds=30, clock=desk.clock)) for _ in range(5)]
        records = [(worker, worker.call()) for worker in workers for _ in range(10)]
        admissions = await asyncio.gather(*(worker.admit(record, worst=100) for worker, record in records))
        assert sum(admission.admitted for admission in admissions) == 10
        for (worker, record), admission in zip(records, admissions, strict=True):
            if admission.admitted:
                await settle(worker, record, 100)
        assert not any([(await worker.admit(worker.call(), worst=1)).admitted for worker in workers])


@pytest.mark.parametrize("seed", range(3))
async def test_a_strict_cap_is_never_overspent(desk: Desk, seed: int) -> None:
    desk.policies = (cap("0.00001", strict=True, workspace_id="w"), cap("0.00003", "monthly"))
    random_ = random.Random(seed)  # noqa: S311

    async def one() -> None:
        record, worst = desk.call(), random_.randint(1, 900)
        if (await desk.admit(record, expected=worst // 3, worst=worst)).admitted:
            await asyncio.sleep(0)
            await settle(desk, record, random_.randint(0, worst))
            assert await desk.spent() <= 10_000

    for _ in range(4):
        await asyncio.gather(*(one() for _ in range(50)))
    while (await desk.admit(record := desk.call(), expected=100, worst=100)).admitted:
        await settle(desk, record, 100)
    assert 9_900 < await desk.spent() <= 10_000  # and what fits is let in
    assert await desk.left_over() == []


async def test_a_strict_cap_admits_what_fits_exactly(desk: Desk) -> None:
    desk.policies = (cap("0.000001", strict=True),)
    assert (await desk.admit(desk.call(), worst=600)).admitted
    assert not (await desk.admit(desk.call(), worst=401)).admitted
    assert (await desk.admit(desk.call(), worst=400)).admitted
    assert not (await desk.admit(desk.call(), worst=1)).admitted


async def test_two_caps_on_one_subject_and_window_hold_a_call_once(desk: Desk) -> None:
    desk.policies = (cap("0.0000003", workspace_id="w"), cap("0.0000005", workspace_id="w"))
    results = [(await desk.admit(desk.call(), expected=100)).admitted for _ in range(4)]
    assert results == [True, True, True, False]


async def test_admitting_twice_reserves_once(desk: Desk) -> None:
    desk.policies = (cap("0.0000002"),)
    record = desk.call()
    assert (await desk.admit(record, expected=150)).admitted
    assert (await desk.admit(record, expected=150)).admitted
    assert (await desk.admit(desk.call(), expected=150)).admitted  # 150 of 200 are held, not 300
    await settle(desk, record, 200)
    assert (await desk.admit(record)).admitted  # settled long ago: the answer stays, nothing is taken
    await settle(desk, record, 200)
    assert await desk.spent() == 200


async def test_settling_twice_charges_and_publishes_once(desk: Desk) -> None:
    record = desk.call()
    await desk.admit(record)
    await asyncio.gather(*(settle(desk, record, 5) for _ in range(5)))
    assert await desk.spent() == 5
    assert len(await desk.published()) == 1


async def test_a_call_whose_reservation_was_lost_is_charged(desk: Desk) -> None:
    record = desk.call()
    await desk.admit(record)
    await desk.client.flushall()
    await settle(desk, record, 5)
    assert await desk.spent() == 5


async def test_a_call_is_charged_to_the_windows_it_started_in(desk: Desk) -> None:
    desk.clock.now = NOON + 12 * 3600 - 0.001  # the last millisecond of Monday
    desk.policies = (cap("0.000001"),)
    record = desk.call()
    assert (await desk.admit(record, expected=1000)).admitted
    assert not (await desk.admit(desk.call())).admitted
    desk.clock.now += 0.001  # Tuesday: neither Monday's spend nor what it holds counts
    assert (await desk.admit(desk.call())).admitted
    await settle(desk, record, 900)
    assert await desk.spent(at=NOON) == 900
    assert await desk.spent() == 0
    assert await desk.spent(window="weekly") == 900


async def test_a_header_subject_is_counted_when_a_policy_needs_it(desk: Desk) -> None:
    desk.policies = (cap("0.0000005", header_team="blue"),)
    await spend(desk, 500)
    assert await desk.spent("header:team=blue") == 500
    assert not (await desk.admit(desk.call())).admitted
    desk.subject = Subject("o", "w", "u", "k", {"team": "red"})
    assert (await desk.admit(desk.call())).admitted


async def test_default_caps_count_each_subject_apart(desk: Desk) -> None:
    desk.policies = (make("default_spend_cap", {"window": "daily", "limit_usd": "0.0000005"}, user_id=""),)
    await spend(desk, 500)
    assert not (await desk.admit(desk.call())).admitted
    desk.subject = Subject("o", "w", "bob", "k2")
    await spend(desk, 500)
    assert not (await desk.admit(desk.call())).admitted


async def test_a_passed_through_login_counts_against_no_cap(desk: Desk) -> None:
    desk.policies = (cap(0),)
    record = desk.call(passthrough=True)
    assert (await desk.admit(record)).admitted
    await settle(desk, record, 500)
    assert await desk.spent("organization_id=o") == 0
    assert [entry.cost_nano for entry in await desk.published()] == [500]


async def test_no_amount_below_nine_million_dollars_loses_a_nano_dollar(desk: Desk) -> None:
    big = 8_999_999 * NANO + 123_456_789
    await spend(desk, big)
    await spend(desk, 1)
    assert await desk.spent() == big + 1
    desk.policies = (cap("8999999.123456791"),)
    assert (await desk.admit(desk.call())).admitted
    desk.policies = (cap("8999999.123456790"),)
    assert not (await desk.admit(desk.call())).admitted


async def test_bodies_wait_in_no_reservation(desk: Desk) -> None:
    record = desk.call(inputs={"text": "a long body"})
    await desk.admit(record)
    pending = await desk.client.hget(keys.pending("o"), record.id)
    assert pending is not None
    assert "a long body" not in text(pending)
    await settle(desk, record, 1)
    assert (await desk.published())[0].inputs == {"text": "a long body"}


async def test_records_without_reservation_are_published_by_organization(desk: Desk) -> None:
    blocked, unknown = desk.call(outcome="blocked"), desk.call(organization_id=None, outcome="blocked")
    await desk.gate.publish([blocked, unknown])
    await desk.gate.publish([])
    assert [record.id for record in await desk.published()] == [blocked.id]
    assert await desk.client.xlen(keys.calls_stream(None)) == 1
    assert await desk.spent() == 0


async def test_counters_vanish_some_days_after_their_window(desk: Desk) -> None:
    desk.clock.now = time.time()
    desk.policies = (cap(1, "hourly"),)
    await desk.admit(desk.call())
    assert await desk.client.ttl(keys.spend("o", "hourly", desk.clock.now)) > 2 * 86400
    await spend(desk, 5)
    for window in ("hourly", "daily", "weekly", "monthly"):
        left = await desk.client.ttl(keys.spend("o", window, desk.clock.now))
        assert 2 * 86400 < left < 35 * 86400
    (marker,) = await desk.client.keys("*:settled:*")
    assert 0 < await desk.client.ttl(marker) <= 900


async def test_a_default_cap_on_a_header_takes_no_new_value_once_too_many_are_counted(desk: Desk) -> None:
    teams = make("default_spend_cap", {"window": "daily", "limit_usd": 1}, header_team="")

    async def admitted(team: str) -> bool:
        subject = replace(SUBJECT, headers={"team": team})
        caps = [replace(cap, most=7) for cap in caps_for((teams,), subject)]
        assert caps
        record = desk.call()
        found = await desk.gate.admit(record, caps=caps, limits=(), expected_nano=1, worst_nano=1, expected_tokens=1)
        if found.admitted:
            await desk.gate.settle(replace(record, cost_nano=1))
        return found.admitted

    # the organization, workspace, user and key are counted too
    assert [await admitted(team) for team in ("a", "b", "c", "d", "a")] == [True, True, True, False, True]
