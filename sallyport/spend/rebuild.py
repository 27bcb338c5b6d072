"""Tells whether the counters are whole, and starts those of subjects that nobody counted yet at what the ledger has for them."""

from __future__ import annotations

from collections.abc import Iterable

import redis.asyncio

from sallyport.spend import keys
from sallyport.spend.windows import WINDOWS

SpendRow = tuple[str, str, int]
"""Subject field (`workspace_id=…`), window (`daily`), nano-dollars that the ledger has for it in its current window."""


async def needs_rebuild(client: redis.asyncio.Redis, organization_id: str) -> bool:
    """The counters are not known to be whole: they were never built, or Redis lost them. Raises redis.RedisError."""
    return not await client.exists(keys.epoch(organization_id))


async def seed(client: redis.asyncio.Redis, organization_id: str, rows: Iterable[SpendRow], *, at: float) -> None:
    """Set counters of the windows that hold `at` (UTC seconds): those a new policy counts by several matchers, or by a header.

    Raises redis.RedisError.
    """
    names, expire = keys.spend_windows(organization_id, at)
    where: dict[str, tuple[str, int]] = dict(zip(WINDOWS, zip(names, expire, strict=True), strict=True))
    pipeline = client.pipeline(transaction=True)
    for field, window, nano in rows:
        name, end = where[window]
        pipeline.hset(name, field, str(nano))
        pipeline.expireat(name, end)
    await pipeline.execute()
