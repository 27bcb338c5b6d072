"""The data plane's connections to Redis."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis

_CONNECTIONS = 64


def connect(url: str) -> Redis:
    """A client whose calls wait for a connection when all are taken: by itself redis-py fails the 101st call at once.

    How long one may wait is for the caller to bound.
    """
    return Redis.from_pool(BlockingConnectionPool.from_url(url, max_connections=_CONNECTIONS, timeout=None))
