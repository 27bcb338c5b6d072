"""Reading the counters of current spend."""

from __future__ import annotations

import redis.asyncio

from sallyport.spend import keys


async def current_spend(client: redis.asyncio.Redis, organization_id: str, subject_field: str, window: str, at: float) -> int:
    """Nano-dollars that calls of the window that holds `at` have cost the subject; open reservations are not in it.

    `subject_field` as `policies.subjects` names it (`workspace_id=…`). Raises redis.RedisError.
    """
    return int(await client.hget(keys.spend(organization_id, window, at), subject_field) or 0)
