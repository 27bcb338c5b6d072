"""What the subjects of spend caps have spent: read for the API, counted up from the ledger for a new kind of subject."""

from __future__ import annotations

import time
from collections.abc import Iterable

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine

from policies.model import Matcher, Policy
from policies.subjects import counted_apart, only_subject, subject_field
from sallyport.spend.counters import current_spend
from sallyport.spend.reconcile import CAPS, compare, needs_rebuild, repair
from sallyport.store.load import load_policies
from sallyport.store.models import StoredPolicy

_ATTEMPTS = 3


async def cap_spend(redis: Redis, policies: Iterable[StoredPolicy]) -> dict[str, int]:
    """Policy id → nano-dollars in the current window, without open reservations. What can't be known is left out:
    a default cap has many subjects, and Redis may be down, or its counters not yet whole again.
    """
    found: dict[str, int] = {}
    whole: dict[str, bool] = {}
    now = time.time()
    try:
        for stored in policies:
            policy, organization = policy_of(stored), stored.organization_id
            if stored.policy_type != "spend_cap" or (not stored.enabled and counted_apart(policy)):
                continue  # what is counted for a cap alone is not counted while it is off
            if organization not in whole:
                whole[organization] = not await needs_rebuild(redis, organization)
            if whole[organization]:
                field = subject_field(policy, only_subject(policy))
                found[stored.id] = await current_spend(redis, organization, field, policy.config["window"], now)
    except RedisError:
        return {}
    return found


def needs_counting(policy: StoredPolicy) -> bool:
    """A cap on a group, a header or several conditions counts a subject that was not counted before."""
    return policy.enabled and policy.policy_type in CAPS and counted_apart(policy_of(policy))


async def count_from_ledger(redis: Redis, engine: Engine, organization_id: str) -> None:
    """Start what nobody counted so far at what the ledger has for it. Raises redis.RedisError, StoreError.

    A call that is under way just now, admitted before the worker knew of the cap, is caught by `Upkeep`, which looks again.
    """
    policies = load_policies(engine)
    for _ in range(_ATTEMPTS):  # only the comparison that began last can repair
        if await repair(redis, await compare(redis, engine, organization_id, policies, at=time.time())):
            return


def policy_of(stored: StoredPolicy) -> Policy:
    matchers = tuple(Matcher(entry["key"], entry["value"]) for entry in stored.subject_matchers)
    return Policy(stored.id, stored.organization_id, stored.name, stored.policy_type, stored.action, matchers, stored.config)
