"""What the subjects of spend caps have spent: read for the API, counted up from the ledger for a new kind of subject."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine

from policies.model import SUBJECT_KEYS, Matcher, Policy, Subject
from policies.subjects import canonical_key, subject_field
from sallyport.spend.counters import current_spend
from sallyport.spend.ledger import sums_since
from sallyport.spend.rebuild import SpendRow, seed
from sallyport.spend.windows import window_start
from sallyport.store.models import StoredPolicy

_CAPS = ("spend_cap", "default_spend_cap")


async def cap_spend(redis: Redis, policies: Iterable[StoredPolicy]) -> dict[str, int]:
    """Policy id → nano-dollars in the current window, without open reservations. What can't be known is left out:
    a default cap has many subjects, and Redis may be down.
    """
    found: dict[str, int] = {}
    now = time.time()
    try:
        for stored in policies:
            if stored.policy_type == "spend_cap":
                policy = _policy(stored)
                field = subject_field(policy, _subject(policy))
                found[stored.id] = await current_spend(redis, policy.organization_id, field, policy.config["window"], now)
    except RedisError:
        return {}
    return found


def needs_counting(policy: StoredPolicy) -> bool:
    """A cap on several conditions at once counts a subject that was not counted before. (One condition is counted always; what
    callers send in headers is not in the ledger.)
    """
    matchers = policy.subject_matchers
    return policy.policy_type in _CAPS and len(matchers) > 1 and all(matcher["key"] in SUBJECT_KEYS for matcher in matchers)


async def seed_cap(redis: Redis, policy: StoredPolicy, spent: Iterable[SpendRow]) -> None:
    """Start the counters of a new cap at what was spent before it was made. Raises redis.RedisError."""
    await seed(redis, policy.organization_id, spent, at=time.time())


def spent_before(engine: Engine, stored: StoredPolicy) -> list[SpendRow]:
    """What the ledger has for each subject of a cap in the current window."""
    policy, window = _policy(stored), stored.config["window"]
    spent: Counter[str] = Counter()
    for entry in sums_since(engine, policy.organization_id, {window: window_start(window, time.time())})[window]:
        subject = Subject(policy.organization_id, entry.workspace_id or "", entry.user_id, entry.api_key_id)
        if policy.matches(subject):
            spent[subject_field(policy, subject)] += entry.spend_nano
    return [(field, window, nano) for field, nano in spent.items()]


def _policy(stored: StoredPolicy) -> Policy:
    matchers = tuple(Matcher(entry["key"], entry["value"]) for entry in stored.subject_matchers)
    return Policy(stored.id, stored.organization_id, stored.name, stored.policy_type, stored.action, matchers, stored.config)


def _subject(policy: Policy) -> Subject:
    """The one subject that a policy without empty values is about."""
    values = {matcher.key: matcher.value for matcher in policy.matchers}
    headers = {
        canonical_key(matcher.key).removeprefix("header:"): matcher.value for matcher in policy.matchers if ":" in matcher.key
    }
    return Subject(
        policy.organization_id, values.get("workspace_id", ""), values.get("user_id"), values.get("api_key_id"), headers
    )
