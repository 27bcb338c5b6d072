"""The children of a default cap: each subject that it was seen to hold for in the current window, and what that has spent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast
from urllib.parse import unquote

from redis.asyncio import Redis
from redis.exceptions import RedisError

from policies.model import SUBJECT_KEYS, Policy, Subject
from policies.spend_cap import caps_for
from sallyport.console.cap_spend import policy_of
from sallyport.money import nano_to_usd
from sallyport.spend import keys
from sallyport.spend.reconcile import needs_rebuild
from sallyport.store.models import StoredPolicy

_AT_ONCE = 1000


async def children(redis: Redis, parent: StoredPolicy, policies: Sequence[Policy], limit: int) -> list[dict[str, Any]]:
    """At most `limit`, the dearest first, in the shape of policies; those for whom a cap of their own holds instead are left out.

    `policies`: all that are in force. Raises redis.RedisError, also while the counters are not whole.
    """
    policy = policy_of(parent)
    if await needs_rebuild(redis, policy.organization_id):
        raise RedisError("the counters are not whole yet; ask again in a second")
    name = keys.spend(policy.organization_id, policy.config["window"], time.time())
    pattern = "&".join(f"{key}=*" for key, _ in policy.wanted)
    found: list[tuple[int, str]] = []
    client = cast(Any, redis)  # redis-py types its answers as unions of everything
    async for raw, nano in client.hscan_iter(name, match=pattern, count=_AT_ONCE):
        field: str = raw.decode()
        subject = _subject(policy, field)
        if subject and any((cap.policy.id, cap.field) == (policy.id, field) for cap in caps_for(policies, subject)):
            found.append((int(nano), field))
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    return [_child(parent, field, nano) for nano, field in found[:limit]]


def _subject(policy: Policy, field: str) -> Subject | None:
    """Whom a counter is about; None: it is not of the policy's kind."""
    values = {key: text for key, _, text in (part.partition("=") for part in field.split("&"))}
    if [*values] != [key for key, _ in policy.wanted]:
        return None
    plain = {key: unquote(min(text.split("|"))) for key, text in values.items()}
    headers = {key.removeprefix("header:"): value for key, value in plain.items() if key not in SUBJECT_KEYS}
    return Subject(policy.organization_id, plain.get("workspace_id", ""), plain.get("user_id"), plain.get("api_key_id"), headers)


def _child(parent: StoredPolicy, field: str, nano: int) -> dict[str, Any]:
    matchers = [
        {"key": key, "value": unquote(value)}
        for key, _, text in (part.partition("=") for part in field.split("&"))
        for value in text.split("|")
    ]
    own = {"id": f"{parent.id}:{field}", "policy_type": "spend_cap", "subject_matchers": matchers}
    return asdict(parent) | own | {"parent_policy_id": parent.id, "current_spend_usd": nano_to_usd(nano)}
