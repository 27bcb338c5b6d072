"""Gives the long rate limits (a day and longer) what the ledger has for them: when Redis lost it, and when they are made.

Those of a minute and an hour are soon right by themselves. Where a call came between the loss and this, its bucket, a sixtieth of
the window, counts from that call on.
"""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import redis.asyncio
from sqlalchemy import Engine

from policies.model import Policy, Subject
from policies.rate_limit import LONG_WINDOWS, is_rate_limit, limits_for
from policies.subjects import header_names
from sallyport.spend import keys
from sallyport.spend.ledger.sums import used_since
from sallyport.spend.plan import BUCKET_SECONDS, BUCKETS, keep_seconds
from sallyport.store.database import reading


async def restore(
    client: redis.asyncio.Redis, engine: Engine, organization_id: str, policies: Sequence[Policy], *, at: float
) -> None:
    """Idempotent: a bucket that counts already is left alone. Raises redis.RedisError, StoreError."""
    limiting = [policy for policy in policies if is_rate_limit(policy)]
    windows = {limit["window"] for policy in limiting for limit in policy.config["limits"]} & LONG_WINDOWS
    for window in sorted(windows):
        counted = await asyncio.to_thread(_counted, engine, organization_id, limiting, window, at)
        pipeline = client.pipeline(transaction=False)
        for (metric, subject, bucket), amount in counted.items():
            key = keys.rate(organization_id, metric, window, subject)
            pipeline.hsetnx(key, str(bucket), str(amount))
            pipeline.expire(key, keep_seconds(window))
        await pipeline.execute()


def _counted(
    engine: Engine, organization_id: str, policies: Sequence[Policy], window: str, at: float
) -> Counter[tuple[str, str, int]]:
    """Metric, subject and bucket → how many requests or tokens."""
    width = BUCKET_SECONDS[window]
    since = (at // width - BUCKETS) * width
    with reading(engine) as connection:
        rows = used_since(connection, organization_id, since, width, header_names(policies))
    found: Counter[tuple[str, str, int]] = Counter()
    for row in rows:
        subject = Subject(organization_id, row.workspace_id or "", row.user_id, row.api_key_id, row.headers)
        limits = {(limit.metric, limit.field) for limit in limits_for(policies, subject) if limit.window == window}
        for metric, field in limits:
            found[metric, field, row.bucket] += row.tokens if metric == "tokens" else row.calls
    return found
