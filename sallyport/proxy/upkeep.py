"""What a worker does beside its calls: renews leases, publishes records, settles again what the store could not take."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from redis.asyncio import Redis
from redis.exceptions import RedisError

from addons.services import Services
from sallyport.spend.gate import StoreUnavailable
from sallyport.spend.journal import Journal
from sallyport.tracing import rejections

logger = logging.getLogger(__name__)

_PUBLISH_SECONDS = 0.1
_REJECTIONS_SECONDS = 0.2
_TURN_SECONDS = 5.0
_GRANT_SECONDS = 1.0
_MOST_AT_ONCE = 500
_MOST_WAITING = 100_000
"""Records kept while Redis is away; beyond that the oldest refusals go, never a settlement."""


async def renew_leases(services: Services) -> None:
    while True:
        await asyncio.sleep(services.settings.lease_seconds / 3)
        open_calls = [call.record for call in services.calls.values() if call.reserved and not call.settled]
        if open_calls:
            try:
                await services.spend.renew(open_calls)
            except StoreUnavailable as error:
                logger.warning("leases of %d calls can't be renewed: %s", len(open_calls), error)


async def publish_records(services: Services) -> None:
    while True:
        await asyncio.sleep(_PUBLISH_SECONDS)
        await services.spend.look_again()
        await flush(services)


async def publish_rejections(redis: Redis) -> None:
    while True:
        await asyncio.sleep(_REJECTIONS_SECONDS)
        with contextlib.suppress(RedisError, OSError):
            await rejections.publish(redis)


async def renew_grants(services: Services) -> None:
    while True:
        await asyncio.sleep(_GRANT_SECONDS)
        with contextlib.suppress(StoreUnavailable):
            await services.spend.renew_grants()


async def flush(services: Services) -> bool:
    """Settle and publish all that waits; False when the store is away."""
    try:
        await services.unsettled.settle(services.spend)
        while services.unpublished:
            batch = services.unpublished[:_MOST_AT_ONCE]
            await services.spend.publish(batch)
            del services.unpublished[: len(batch)]
    except StoreUnavailable:
        excess = len(services.unpublished) - _MOST_WAITING
        if excess > 0:
            del services.unpublished[:excess]
            logger.error("%d records of refused calls are lost: Redis is away too long", excess)
        return False
    return True


async def turn(journal: Journal) -> None:
    """Begin a new file now and then: one goes when the ledger has all its calls."""
    while True:
        await asyncio.sleep(_TURN_SECONDS)
        journal.turn()
