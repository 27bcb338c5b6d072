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
    """redis-py's client, whose scripts go over one connection of their own where that is possible (see `script_connection`)."""

    def __init__(self, url: str) -> None:
        super().__init__(connection_pool=BlockingConnectionPool.from_url(url, max_connections=_CONNECTIONS, timeout=None))
        self.auto_close_connection_pool = True
        self._scripts = script_connection(url)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        if self._scripts and args[0] in ("EVALSHA", "EVAL"):
            return await self._scripts.run(args)
        return cast(object, await super().execute_command(*args, **options))

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        if self._scripts:
            self._scripts.close()
        await super().aclose(close_connection_pool)


def connect(url: str) -> Redis:
    """A client whose calls wait for a connection when all are taken: by itself redis-py fails the 101st call at once.

    How long one may wait is for the caller to bound.
    """
    return connect_cluster(url) if is_cluster(url) else Client(url)


def connect_cluster(url: str, **options: Any) -> Redis:
    """A client that finds each key's node, and can do what is asked of one server here. `options`: as redis-py has them."""
    return cast(Redis, RedisCluster.from_url(node_url(url), **options))
