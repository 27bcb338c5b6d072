"""Keeps a worker's snapshot current: loaded from SQL in a thread when a change is published, swapped whole.

A published change can be missed (Redis restarted, the connection dropped), so the version in SQL is looked at now and then too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine

from sallyport.store.database import StoreError
from sallyport.store.load import load_snapshot, snapshot_version
from sallyport.store.snapshot import Snapshot
from sallyport.vault.envelope import Vault

logger = logging.getLogger(__name__)

CHANGED = "sallyport:changed"
_LOOK_SECONDS = 5.0
_RETRY_SECONDS = 0.5


class SnapshotFollower:
    def __init__(self, engine: Engine, vault: Vault, redis: Redis, swap: Callable[[Snapshot], Awaitable[None]]) -> None:
        self._engine = engine
        self._vault = vault
        self._redis = redis
        self._swap = swap
        self._version = -1
        self._hears = True

    async def load(self) -> None:
        """Load if SQL holds another version than ours. Raises StoreError."""
        version = await asyncio.to_thread(snapshot_version, self._engine)
        if version == self._version:
            return
        snapshot = await asyncio.to_thread(load_snapshot, self._engine, self._vault)
        self._version = snapshot.version
        await self._swap(snapshot)
        logger.debug("snapshot %d is in force", snapshot.version)

    async def run(self) -> None:
        """Follow changes until cancelled. While SQL is down the last snapshot stays in force."""
        while True:
            try:
                await self._redis.initialize()  # a cluster's client knows its nodes only then
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(CHANGED)
                    if not self._hears:
                        self._hears = True
                        logger.info("changes are heard of again")
                    await self._load_or_warn()
                    while True:
                        await subscription.get_message(ignore_subscribe_messages=True, timeout=_LOOK_SECONDS)
                        await self._load_or_warn()
            except (RedisError, OSError) as error:
                if self._hears:
                    self._hears = False
                    logger.warning("Redis can't be reached; looking for changes every %s s instead: %s", _RETRY_SECONDS, error)
                await self._load_or_warn()
                await asyncio.sleep(_RETRY_SECONDS)

    async def _load_or_warn(self) -> None:
        try:
            await self.load()
        except StoreError as error:
            logger.warning("the database can't be read, the last snapshot stays in force: %s", error)
