"""What batches will use whose requests were uploaded as a file, kept in Redis until they are submitted."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import orjson
import redis.asyncio
from redis.exceptions import RedisError

from sallyport.providers.usage import Usage
from sallyport.spend import keys

logger = logging.getLogger(__name__)

_KEEP_SECONDS = 30 * 86400
"""As long as OpenAI keeps a batch's files (https://platform.openai.com/docs/guides/batch)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch will use, by estimate and at most. `model`: None where its requests name several."""

    model: str | None
    expected: Usage
    most: Usage


class BatchFiles:
    """A file that can't be remembered is one that nobody saw: its batch is refused under a cap."""

    def __init__(self, client: redis.asyncio.Redis, *, answer_seconds: float = 2.0) -> None:
        self._redis = client
        self._answer_seconds = answer_seconds

    async def remember(self, organization_id: str | None, provider: str, file_id: str, batch: Batch) -> None:
        try:
            async with asyncio.timeout(self._answer_seconds):
                await self._redis.set(keys.batch_file(organization_id, provider, file_id), orjson.dumps(batch), ex=_KEEP_SECONDS)
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("a batch's file could not be noted: %s", error)

    async def recall(self, organization_id: str | None, provider: str, file_id: str) -> Batch | None:
        try:
            async with asyncio.timeout(self._answer_seconds):
                noted = await self._redis.get(keys.batch_file(organization_id, provider, file_id))
        except (RedisError, OSError, TimeoutError):
            return None
        if noted is None:
            return None
        batch = orjson.loads(noted)
        return Batch(batch["model"], Usage(**batch["expected"]), Usage(**batch["most"]))
