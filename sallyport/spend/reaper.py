"""Charges calls whose worker died: their lease runs out, and what they were expected to cost becomes what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import orjson
import redis.asyncio
from redis.exceptions import ResponseError

from sallyport.spend import keys, plan, rejected
from sallyport.spend.grants import PREFIX, reap_grant
from sallyport.spend.script import Script
from sallyport.tracing.record import CallRecord

REASON = "worker_lost"
_MOST_AT_ONCE = 1000
_settle = Script("settle.lua")


async def reap(client: redis.asyncio.Redis, organization_ids: Iterable[str], now: float) -> int:
    """Settle calls whose lease ended by `now` (UTC seconds), as aborted and estimated; the answer is how many.

    At most 1000 of an organization at a time: call it again and again.

    A call is admitted at the last moment before it is sent, so it is taken to have been sent. Any number may run at once, and
    beside the workers: a call is settled once. Raises redis.RedisError.
    """
    total = 0
    for organization_id in organization_ids:
        total += await _reap(client, organization_id, now)
    return total


async def _reap(client: redis.asyncio.Redis, organization_id: str, now: float) -> int:
    due = await _due(client, organization_id, now)
    if not due:
        return 0
    reaped = 0
    pending = await client.hmget(keys.pending(organization_id), due)
    reservations = await client.hmget(keys.reservations(organization_id), due)
    for call_id, record, reservation in zip(due, pending, reservations, strict=True):
        if reservation is not None and _text(call_id).startswith(PREFIX):
            await reap_grant(client, organization_id, _text(call_id), reservation, now)
            continue
        if record is None or reservation is None:  # settled since we looked
            await client.zrem(keys.leases(organization_id), call_id)
            continue
        lost = _lost(record, reservation)
        try:
            reaped += await _settle.run(client, *plan.settlement(lost, expired_by=now))
        except ResponseError as error:
            if not rejected.is_rejection(error):
                raise
            rejected.tell(lost.id, organization_id, error)
    return reaped


async def _due(client: redis.asyncio.Redis, organization_id: str, now: float) -> list[bytes | str]:
    found = client.zrangebyscore(keys.leases(organization_id), "-inf", now, start=0, num=_MOST_AT_ONCE)  # pyright: ignore[reportUnknownMemberType] - its score_cast_func is untyped
    return cast("list[bytes | str]", await found)


def _lost(pending: bytes | str, reservation: bytes | str) -> CallRecord:
    record = CallRecord.from_json(pending)
    record.outcome, record.reason, record.estimated = "aborted", REASON, True
    record.cost_nano = int(orjson.loads(reservation)["expected"])
    return record


def _text(reply: bytes | str) -> str:
    return reply.decode() if isinstance(reply, bytes) else reply
