# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from redis.asyncio import Redis

from policies.spend_cap import Cap
from sallyport.console.upkeep import Upkeep, wait_until_empty
from sallyport.ids import new_id
from sallyport.spend import keys
from sallyport.spend.counters import current_spend
from sallyport.spend.gate import SpendGate
from sallyport.spend.journal import Journal
from sallyport.spend.reconcile import needs_rebuild
from sallyport.spend.replay import Journals
from sallyport.store.models import Actor
from sallyport.tracing.record import CallRecord, PolicyRef
from tests.sallyport.console.bench import Bench
from tests.sallyport.spend.desk import whole


async def spent(redis: Redis, window: str = "daily") -> int:
    return await current_spend(redis, "default", "organization_id=default", window, time.time())


async def held(redis: Redis) -> int:
    return int(await redis.hget(keys.spend("default", "daily", time.time()), "held:workspace_id=default") or 0)


async def test_counters_that_redis_lost_come_back_from_the_ledger(bench: Bench) -> None:
    bench.record(started_at=time.time(), workspace_id="default", cost_nano=7)
    upkeep, redis = Upkeep(bench.console.store, bench.console.redis), bench.console.redis
    assert await needs_rebuild(redis, "default")
    await upkeep.once()
    assert await spent(redis) == 7
    assert not await needs_rebuild(redis, "default")


async def test_whole_counters_are_left_alone(bench: Bench) -> None:
    upkeep, redis = Upkeep(bench.console.store, bench.console.redis), bench.console.redis
    await upkeep.once()
    await redis.hincrby(keys.spend("default", "daily", time.time()), "organization_id=default", 99)
    await upkeep.once()
    assert await spent(redis) == 99


async def test_a_rebuild_counts_records_on_their_way_to_the_ledger(bench: Bench) -> None:
    upkeep, redis = Upkeep(bench.console.store, bench.console.redis), bench.console.redis
    record = CallRecord(id="c1", started_at=time.time(), organization_id="default", cost_nano=5)
    await SpendGate(redis, lease_seconds=30).publish([record])
    recording = asyncio.create_task(bench.console.recorder.run())
    await upkeep.once()
    recording.cancel()
    assert await spent(redis) == 5


async def test_a_call_whose_worker_died_is_charged(bench: Bench) -> None:
    upkeep, redis = Upkeep(bench.console.store, bench.console.redis), bench.console.redis
    await upkeep.once()
    long_ago = time.time() - 100
    gate = SpendGate(redis, lease_seconds=1, clock=lambda: long_ago)
    record = CallRecord(id="c1", started_at=time.time(), organization_id="default", workspace_id="default")
    await gate.admit(record, caps=(), limits=(), expected_nano=11, worst_nano=20, expected_tokens=1)
    await upkeep.once()
    assert await spent(redis) == 11
    assert await redis.xlen(keys.calls_stream("default")) == 1


async def test_a_call_under_way_when_a_cap_is_made_is_counted_for_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sallyport.console.upkeep._LOOKS", (0.0,))
    upkeep, redis, gate = (
        Upkeep(bench.console.store, bench.console.redis),
        bench.console.redis,
        SpendGate(bench.console.redis, lease_seconds=30),
    )
    await upkeep.once()
    record = CallRecord(
        "c1", time.time(), organization_id="default", workspace_id="default", headers={"team": "blue"}, cost_nano=11
    )
    await gate.admit(record, caps=(), limits=(), expected_nano=11, worst_nano=20, expected_tokens=1)
    matchers = [{"key": "header:team", "value": ""}]
    config = {"window": "daily", "limit_usd": 1}
    fields = {"name": "teams", "policy_type": "default_spend_cap", "subject_matchers": matchers, "config": config}
    bench.console.store.create_policy(Actor("cli:ops"), fields)
    await gate.settle(record)
    await upkeep.once()
    assert await current_spend(redis, "default", "header:team=blue", "daily", time.time()) == 11


async def test_a_cap_in_tokens_made_within_its_week_counts_what_was_used_since_it_began(bench: Bench) -> None:
    upkeep, redis, now = Upkeep(bench.console.store, bench.console.redis), bench.console.redis, time.time()
    await upkeep.once()
    seat = {"user_id": "ada", "workspace_id": "default", "model": "claude", "passthrough": True}
    bench.record(started_at=now - 3 * 86400, input_tokens=400, output_tokens=100, **seat)
    bench.record(started_at=now - 86400, **seat)  # it had its tokens counted
    for attempt in (1, 2):
        bench.record(started_at=now - 86400, input_tokens=10, attempt=attempt, **seat)
    limits = [{"metric": metric, "window": "week", "value": 500} for metric in ("tokens", "requests")]
    matchers = [{"key": "user_id", "value": ""}]
    fields = {"name": "seats", "policy_type": "default_rate_limit", "subject_matchers": matchers, "config": {"limits": limits}}
    bench.console.store.create_policy(Actor("test", "127.0.0.1"), fields)
    await upkeep.once()
    counted = {
        metric: await redis.hvals(keys.rate("default", metric, "week", "user_id=ada")) for metric in ("tokens", "requests")
    }
    assert sum(map(int, counted["tokens"])) == 520
    assert sum(map(int, counted["requests"])) == 2


async def test_changes_by_another_process_are_seen(bench: Bench) -> None:
    upkeep = Upkeep(bench.console.store, bench.console.redis)
    await upkeep.refresh()
    before = upkeep.snapshot
    await upkeep.refresh()
    assert upkeep.snapshot is before
    made = bench.console.store.create_workspace(Actor("cli:ops"), {"name": "Research"})
    await upkeep.refresh()
    assert made.id in upkeep.snapshot.workspaces


async def test_waiting_for_an_empty_stream_ends(bench: Bench) -> None:
    redis = bench.console.redis
    await SpendGate(redis, lease_seconds=30).publish([CallRecord(id="c1", started_at=0.0, organization_id="default")])
    started = time.monotonic()
    await wait_until_empty(redis, ["default", None], 0.1)
    assert 0.1 <= time.monotonic() - started < 3


async def test_ten_minutes_before_each_midnight_counters_that_are_off_are_set_right(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_795_564_199.0  # 2026-11-24 23:49:59 UTC
    monkeypatch.setattr("sallyport.console.upkeep.time", SimpleNamespace(time=lambda: now, monotonic=time.monotonic))
    upkeep, redis = Upkeep(bench.console.store, bench.console.redis), bench.console.redis
    await upkeep.once()
    counter, subject = keys.spend("default", "daily", now), "organization_id=default"
    await redis.hincrby(counter, subject, 99)
    await upkeep.once()
    assert await redis.hget(counter, subject) == b"99"
    now += 1
    await upkeep.once()
    assert await redis.hget(counter, subject) == b"0"


async def test_what_two_gateways_had_reserved_comes_back_when_redis_is_emptied(bench: Bench, tmp_path: Path) -> None:
    """One of them makes the counters whole; the other sees that they are not those it knew, and adds what its journal has."""
    redis, store = bench.console.redis, bench.console.store
    await whole(redis, "default")
    gates: list[tuple[SpendGate, Journal]] = []
    upkeeps: list[Upkeep] = []
    for name in ("one", "other"):
        journal = Journal(tmp_path / name)
        gates.append((SpendGate(redis, lease_seconds=30, journal=journal), journal))
        upkeeps.append(Upkeep(store, redis, Journals(tmp_path / name, redis, store.engine, lease_seconds=30)))
    for upkeep in upkeeps:
        await upkeep.once()
    cap = Cap(PolicyRef("p", "p"), "workspace_id=default", "workspace", "daily", 1000, strict=True, on_store_unavailable="block")
    for gate, journal in gates:
        record = CallRecord(new_id(), time.time(), organization_id="default", workspace_id="default")
        await gate.admit(record, caps=(cap,), limits=(), expected_nano=1, worst_nano=100, expected_tokens=1)
        await asyncio.to_thread(journal.turn().wait)
    await redis.flushall()
    for upkeep in upkeeps:
        await upkeep.once()
    assert await held(redis) == 200
    before = await redis.get(keys.epoch("default"))
    for upkeep in upkeeps:
        await upkeep.once()
    assert await redis.get(keys.epoch("default")) == before
    assert await held(redis) == 200
