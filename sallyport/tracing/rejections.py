"""What was turned down before it was a call: counted by reason, and never recorded one by one, so that a flood fills no disk.

Each worker counts for itself and adds its counts to a Redis hash of this gateway; the console shows what stands there.
"""

# redis-py types its answers as unions of everything:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import socket
from collections import Counter
from typing import Any, cast

from redis.asyncio import Redis

from sallyport.spend.keys import rejections

_KEEP_SECONDS = 30 * 86400
_waiting: Counter[str] = Counter()


def count(reason: str) -> None:
    """`reason` is one of few words that stand in the code, never anything that a client said."""
    _waiting[reason] += 1


async def publish(redis: Redis) -> None:
    """Add what was counted since the last time. Raises redis-py's errors, and keeps the counts for the next time."""
    if not _waiting:
        return
    taken = dict(_waiting)
    key = rejections(socket.gethostname())
    async with cast(Any, redis).pipeline(transaction=True) as pipeline:
        for reason, number in taken.items():
            pipeline.hincrby(key, reason, number)
        pipeline.expire(key, _KEEP_SECONDS)
        await pipeline.execute()
    _waiting.subtract(taken)
    for reason in taken:
        if not _waiting[reason]:
            del _waiting[reason]


async def totals(redis: Redis) -> dict[str, int]:
    """By reason. Raises redis-py's errors."""
    found = await cast(Any, redis).hgetall(rejections(socket.gethostname()))
    return {(name.decode() if isinstance(name, bytes) else name): int(number) for name, number in found.items()}
