"""A real Redis Cluster: every script, and all that is asked beside them, for organizations that lie on different nodes."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.crc import key_slot

from policies.model import Policy, Subject
from policies.rate_limit import limits_for
from policies.spend_cap import caps_for
from sallyport.console import redis_client
from sallyport.ids import new_id
from sallyport.proxy.snapshots import CHANGED
from sallyport.spend import keys
from sallyport.spend.connection import connect
from sallyport.spend.counters import current_spend
from sallyport.spend.gate import SpendGate
from sallyport.spend.journal import Journal
from sallyport.spend.reaper import reap
from sallyport.spend.reconcile import compare, needs_rebuild, repair
from sallyport.spend.replay import Journals
from sallyport.store.database import open_database
from sallyport.tracing.record import CallRecord
from sallyport.tracing.stream import CallStream
from tests.redis_cluster import redis_cluster
from tests.sallyport.spend.desk import cap, limit

__all__ = ["redis_cluster"]

ORGANIZATIONS = ("one", "two", "three", "four", "five", "six")


@pytest.fixture
async def client(redis_cluster: str) -> AsyncIterator[Redis]:
    async with connect(redis_cluster) as client:
        await client.flushall()
        for organization in ORGANIZATIONS:  # a node that does not know a script takes the epoch back
            await SpendGate(client, lease_seconds=30).admit(
                call(organization), caps=(), limits=(), expected_nano=0, worst_nano=0, expected_tokens=0
            )
        await client.flushall()
        for organization in ORGANIZATIONS:
            await client.set(keys.epoch(organization), "1")
        yield client


def call(organization: str, **changes: Any) -> CallRecord:
    record = CallRecord(new_id(), time.time(), organization_id=organization, workspace_id="w", user_id="u", api_key_id="k")
    return replace(record, **changes)


def of(organization: str, *policies: Policy) -> list[Policy]:
    return [replace(policy, organization_id=organization) for policy in policies]


def test_these_organizations_lie_on_all_three_nodes() -> None:
    assert {key_slot(keys.epoch(name).encode()) * 3 // 16384 for name in ORGANIZATIONS} == {0, 1, 2}


async def test_a_call_is_admitted_topped_up_renewed_settled_and_published(client: Redis) -> None:
    gate = SpendGate(client, lease_seconds=30)
    for organization in ORGANIZATIONS:
        policies = of(organization, cap("0.000001", strict=True, user_id="u"), limit("tokens", "hour", 1000, workspace_id="w"))
        subject = Subject(organization, "w", "u", "k")
        caps, limits = caps_for(policies, subject), limits_for(policies, subject)
        record = call(organization)

        async def admit(record: CallRecord, caps: Any = caps, limits: Any = limits) -> bool:
            asked = await gate.admit(record, caps=caps, limits=limits, expected_nano=100, worst_nano=600, expected_tokens=9)
            return asked.admitted

        assert await admit(record)
        assert not await admit(call(organization))
        assert (await gate.top_up(record, caps=caps, spent_nano=700, wanted_nano=900)).reserved_nano == 900
        await gate.renew([record])
        await gate.settle(replace(record, cost_nano=250, input_tokens=30))
        assert await current_spend(client, organization, "user_id=u", "daily", record.started_at) == 250
        assert await admit(call(organization))
    await gate.publish([call(organization) for organization in ORGANIZATIONS])
    assert [await client.xlen(keys.calls_stream(organization)) for organization in ORGANIZATIONS] == [2] * len(ORGANIZATIONS)


async def test_the_recorder_reads_what_is_published(client: Redis, redis_cluster: str) -> None:
    async with redis_client.connect(redis_cluster) as console:
        for organization in ORGANIZATIONS:
            stream, record = CallStream(console, organization, "recorder"), call(organization)
            await stream.open()
            await SpendGate(client, lease_seconds=30).publish([record])
            (entry,) = await stream.read(5000)
            await stream.acknowledge([entry])
            assert await console.xlen(keys.calls_stream(organization)) == 0


async def test_dead_workers_calls_are_charged_and_grants_come_back(client: Redis) -> None:
    now = time.time()
    gate = SpendGate(client, lease_seconds=30, clock=lambda: now)
    for organization in ORGANIZATIONS:
        policies = of(organization, cap(1, unavailable="lease", workspace_id="w"))
        caps = caps_for(policies, Subject(organization, "w", "u", "k"))
        await gate.admit(call(organization), caps=caps, limits=(), expected_nano=70, worst_nano=70, expected_tokens=1)
    await gate.renew_grants()
    held = [await client.hlen(keys.reservations(organization)) for organization in ORGANIZATIONS]
    assert held == [2] * len(ORGANIZATIONS)
    assert await reap(client, ORGANIZATIONS, now + 31) == len(ORGANIZATIONS)
    held = [await client.hlen(keys.reservations(organization)) for organization in ORGANIZATIONS]
    assert held == [0] * len(ORGANIZATIONS)


async def test_an_emptied_cluster_is_rebuilt(client: Redis, tmp_path: Path) -> None:
    engine, journal = open_database(tmp_path / "gateway.db"), Journal(tmp_path / "journals")
    gate = SpendGate(client, lease_seconds=30, journal=journal)
    for organization in ORGANIZATIONS:
        for cost in (5, 7):
            await gate.settle(call(organization, cost_nano=cost))
    await asyncio.to_thread(journal.close)
    await client.flushall()
    journals = Journals(tmp_path / "journals", client, engine, lease_seconds=30)
    for organization in ORGANIZATIONS:
        assert await needs_rebuild(client, organization)
        assert await repair(client, await compare(client, engine, organization, at=time.time(), meanwhile=journals.replay_all))
        assert not await needs_rebuild(client, organization)
        assert await current_spend(client, organization, "workspace_id=w", "monthly", time.time()) == 12
    engine.dispose()


async def test_changes_are_heard_of(client: Redis, redis_cluster: str) -> None:
    async with client.pubsub() as subscription:
        await subscription.subscribe(CHANGED)
        assert (await subscription.get_message(timeout=5) or {})["type"] == "subscribe"
        await asyncio.to_thread(redis_client.announcer(redis_cluster))
        assert (await subscription.get_message(ignore_subscribe_messages=True, timeout=5) or {})["type"] == "message"
