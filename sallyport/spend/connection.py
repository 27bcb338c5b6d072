"""The data plane's connections to Redis."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from typing import Any, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster

from sallyport.redis_url import is_cluster, node_url
from sallyport.spend.script_connection import script_connection

_CONNECTIONS = 64


class Client(Redis):
    """redis-py's client; its scripts have a connection of their own where that is possible (see `script_connection`)."""

    def __init__(self, url: str) -> None:
        super().__init__(connection_pool=BlockingConnectionPool.from_url(url, max_connections=_CONNECTIONS, timeout=None))
        self.auto_close_connection_pool = True
        self.scripts = script_connection(url)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        if self.scripts:
            self.scripts.close()
        await super().aclose(close_connection_pool)


def connect(url: str) -> Redis:
    """A client whose calls wait for a connection when all are taken: by itself redis-py fails the 101st call at once.

    How long one may wait is for the caller to bound.
    """
    return connect_cluster(url) if is_cluster(url) else Client(url)


def connect_cluster(url: str, **options: Any) -> Redis:
    """A client that finds each key's node, and can do what is asked of one server here. `options`: as redis-py has them."""
    return cast(Redis, RedisCluster.from_url(node_url(url), **options))
