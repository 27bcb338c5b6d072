"""Rolling rate limits, taken in the same script as the budgets."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sallyport.spend.ledger import insert_calls
from sallyport.spend.rate_history import restore
from sallyport.store.database import open_database, writing
from sallyport.tracing.record import CallRecord
from tests.sallyport.spend.desk import NOON, Desk, cap, limit


async def test_requests_are_refused_once_the_limit_is_reached_and_told_when_to_come_back(desk: Desk) -> None:
    policy = limit("requests", "minute", 3, api_key_id="k")
    desk.policies = (policy,)
    for second in (0, 10, 20):
        desk.clock.now = NOON + second
        assert (await desk.admit(desk.call())).admitted
    desk.clock.now = NOON + 30
    (block,) = (await desk.admit(desk.call())).blocked
    assert (block.policy.id, block.kind, block.scope, block.window) == (policy.id, "rate_limit", "api_key", "minute")
    assert block.ends_at == NOON + 61  # the first one's second is then a minute old
    assert block.firm
    desk.clock.now = block.ends_at - 0.001
    assert not (await desk.admit(desk.call())).admitted
    desk.clock.now = block.ends_at
    assert (await desk.admit(desk.call())).admitted
    assert not (await desk.admit(desk.call())).admitted


async def test_a_refused_call_takes_nothing(desk: Desk) -> None:
    desk.policies = (limit("requests", "hour", 5), cap(0, workspace_id="w"))
    for _ in range(10):
        assert [block.kind for block in (await desk.admit(desk.call())).blocked] == ["spend_limit"]
    desk.policies = desk.policies[:1]
    assert [(await desk.admit(desk.call())).admitted for _ in range(6)] == [True] * 5 + [False]


async def test_parallel_requests_never_exceed_the_limit(desk: Desk) -> None:
    desk.policies = (limit("requests", "minute", 7),)
    admissions = await asyncio.gather(*(desk.admit(desk.call()) for _ in range(50)))
    assert sum(admission.admitted for admission in admissions) == 7


async def test_tokens_are_taken_by_estimate_and_corrected_when_settled(desk: Desk) -> None:
    desk.policies = (limit("tokens", "minute", 1000),)
    record = desk.call()
    assert (await desk.admit(record, tokens=1200)).admitted
    (block,) = (await desk.admit(desk.call())).blocked
    assert not block.firm  # the call in flight may give tokens back
    await desk.gate.settle(replace(record, input_tokens=300, output_tokens=100))
    other = desk.call()
    assert (await desk.admit(other, tokens=100)).admitted
    await desk.gate.settle(replace(other, input_tokens=500, output_tokens=100))
    assert not (await desk.admit(desk.call())).admitted


async def test_tokens_of_a_call_longer_than_the_window_leave_no_debt_behind(desk: Desk) -> None:
    desk.policies = (limit("tokens", "minute", 100),)
    record = desk.call()
    await desk.admit(record, tokens=500)
    desk.clock.now += 300
    assert (await desk.admit(desk.call(), tokens=60)).admitted
    await desk.gate.settle(replace(record, input_tokens=1))
    assert (await desk.admit(desk.call(), tokens=60)).admitted
    assert not (await desk.admit(desk.call(), tokens=60)).admitted


async def test_a_counter_that_has_vanished_is_not_brought_back_to_stay(desk: Desk) -> None:
    desk.policies = (limit("tokens", "minute", 100),)
    record = desk.call()
    await desk.admit(record)
    (counter,) = await desk.client.keys("*:rate:*")
    assert 60 < await desk.client.ttl(counter) <= 62
    await desk.client.delete(counter)
    await desk.gate.settle(replace(record, input_tokens=50))
    assert await desk.client.keys("*:rate:*") == []


async def test_two_policies_about_one_counter_take_once(desk: Desk) -> None:
    strict, loose = limit("requests", "minute", 2, workspace_id="w"), limit("requests", "minute", 3, workspace_id="w")
    desk.policies = (strict, loose)
    assert [(await desk.admit(desk.call())).admitted for _ in range(3)] == [True, True, False]
    assert [block.policy.id for block in (await desk.admit(desk.call())).blocked] == [strict.id]


@given(
    gaps=st.lists(st.floats(0, 40), min_size=1, max_size=60),
    value=st.integers(1, 5),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_minute_ever_holds_more_than_the_limit(desk: Desk, gaps: list[float], value: int) -> None:
    await desk.client.flushall()
    desk.clock.now = NOON
    desk.policies = (limit("requests", "minute", value),)
    admitted: list[float] = []
    for gap in gaps:
        desk.clock.now += gap
        now = desk.clock.now
        recent = [at for at in admitted if at > now - 60]
        if (await desk.admit(desk.call())).admitted:
            assert len(recent) < value
            admitted.append(now)
        else:
            assert len([at for at in admitted if at > now - 61]) >= value  # at most a sixtieth too strict


async def test_a_subscriptions_tokens_can_be_capped_by_the_day_week_and_month(desk: Desk) -> None:
    desk.policies = (limit("tokens", "week", 1000, user_id="u"), cap(0, user_id="u"))
    for day in (0, 3):
        desk.clock.now = NOON + day * 86400
        record = desk.call(passthrough=True)
        assert (await desk.admit(record)).admitted  # no spend cap holds for it
        await desk.gate.settle(replace(record, input_tokens=400, output_tokens=100))
    (block,) = (await desk.admit(desk.call(passthrough=True))).blocked
    assert (block.kind, block.window) == ("rate_limit", "week")
    assert 7 * 86400 <= block.ends_at - NOON <= 7 * 86400 * 61 / 60
    desk.clock.now = block.ends_at
    assert (await desk.admit(desk.call(passthrough=True))).admitted


async def test_long_limits_come_back_from_the_ledger_when_redis_lost_them(desk: Desk, tmp_path: Path) -> None:
    engine = open_database(tmp_path / "gateway.db")
    desk.policies = (limit("tokens", "day", 900, header_team="blue"), limit("requests", "month", 4, user_id="u"))
    calls: list[CallRecord] = []
    for hour in (0, 1):
        desk.clock.now = NOON + hour * 3600
        record = desk.call(model="gpt", headers={"team": "blue"}, input_tokens=400, output_tokens=50)
        await desk.admit(record)
        await desk.gate.settle(record)
        calls.append(record)
    blocked = desk.call(model="gpt", outcome="blocked", headers={"team": "blue"})
    with writing(engine) as connection:
        insert_calls(connection, [*calls, blocked, replace(desk.call(model="gpt"), started_at=NOON - 40 * 86400)])
    before = (await desk.admit(desk.call())).blocked
    await desk.client.flushall()
    opened = desk.call()
    assert (await desk.admit(opened)).admitted
    await desk.gate.settle(replace(opened, input_tokens=10, output_tokens=0))
    for _ in range(2):
        await restore(desk.client, engine, "o", desk.policies, at=desk.clock.now)
    desk.clock.now += 3600  # another bucket than the one that counted meanwhile
    await restore(desk.client, engine, "o", desk.policies, at=desk.clock.now)
    assert [block.window for block in before] == ["day"]
    assert await desk.client.hvals("{o}:rate:requests:month:user_id=u") == [b"1"]
    await desk.client.flushall()
    await restore(desk.client, engine, "o", desk.policies, at=desk.clock.now)
    assert [block.window for block in (await desk.admit(desk.call())).blocked] == ["day"]
    assert await desk.client.hvals("{o}:rate:requests:month:user_id=u") == [b"2"]
    engine.dispose()
