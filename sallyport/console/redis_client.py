"""The console's connections to Redis: an answer within seconds, or an error that a page can be shown for."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.exceptions
import redis.retry
from redis.backoff import NoBackoff

from sallyport.redis_url import is_cluster, node_url
from sallyport.spend.connection import connect_cluster

CHANGED = "sallyport:changed"
"""The channel on which workers are told of changed keys, policies and secrets."""
_SECONDS = 2.0
_AGAIN = (1, (redis.exceptions.ConnectionError,))
"""Once and at once, for a connection that died idle; never after waiting in vain. Whoever wants more patience has its own."""


def connect(url: str) -> redis.asyncio.Redis:
    """A client, not yet connected."""
    retry = redis.asyncio.retry.Retry(NoBackoff(), *_AGAIN)
    if is_cluster(url):
        return connect_cluster(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)
    return redis.asyncio.Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=retry)


def announcer(url: str) -> Callable[[], None]:
    """What tells the workers of a change; to be called in any thread. It raises redis.RedisError."""
    retry = redis.retry.Retry(NoBackoff(), *_AGAIN)
    client = redis.Redis.from_url(node_url(url), socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=retry)

    def announce() -> None:
        client.publish(CHANGED, b"")

    return announce
