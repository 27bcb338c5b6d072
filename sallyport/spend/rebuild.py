"""Puts the ledger's sums into the counters: after Redis came up empty, and when a policy counts a subject nobody counted yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import redis.asyncio

from policies.subjects import base_fields
from sallyport.spend import keys
from sallyport.spend.ledger import Sum
from sallyport.spend.windows import WINDOWS

SpendRow = tuple[str, str, int]
"""Subject field (`workspace_id=…`), window (`daily`), nano-dollars that the ledger has for it in its current window."""


def rows_of(organization_id: str, sums: Mapping[str, Iterable[Sum]]) -> list[SpendRow]:
    """The ledger's sums of each window (`ledger.sums_since`), added up for every subject that is always counted."""
    totals: Counter[tuple[str, str]] = Counter()
    for window, entries in sums.items():
        for entry in entries:
            for field in base_fields(organization_id, entry.workspace_id, entry.user_id, entry.api_key_id):
                totals[field, window] += entry.spend_nano
    return [(field, window, nano) for (field, window), nano in totals.items()]


async def needs_rebuild(client: redis.asyncio.Redis, organization_id: str) -> bool:
    """The counters are not known to be whole: they were never built, or Redis lost them. Raises redis.RedisError."""
    return not await client.exists(keys.epoch(organization_id))


async def rebuild(client: redis.asyncio.Redis, organization_id: str, rows: Iterable[SpendRow], *, at: float) -> None:
    """Set the counters of the windows that hold `at` (UTC seconds) to `rows`, all at once, and mark them whole.

    Read the rows when the recorder has written all that is in the stream: a call settled but not yet in the ledger is in the
    counter that this replaces, not in the row. Reservations are left alone. Raises redis.RedisError.
    """
    await _set(client, organization_id, rows, at, whole=True)


async def seed(client: redis.asyncio.Redis, organization_id: str, rows: Iterable[SpendRow], *, at: float) -> None:
    """The same for some subjects only: those a new policy counts by several matchers or by a header. Raises redis.RedisError."""
    await _set(client, organization_id, rows, at, whole=False)


async def _set(client: redis.asyncio.Redis, organization_id: str, rows: Iterable[SpendRow], at: float, *, whole: bool) -> None:
    names, expire = keys.spend_windows(organization_id, at)
    where: dict[str, tuple[str, int]] = dict(zip(WINDOWS, zip(names, expire, strict=True), strict=True))
    pipeline = client.pipeline(transaction=True)
    for field, window, nano in rows:
        name, end = where[window]
        pipeline.hset(name, field, str(nano))
        pipeline.expireat(name, end)
    if whole:
        pipeline.set(keys.epoch(organization_id), str(int(at)))
    await pipeline.execute()
