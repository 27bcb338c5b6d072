"""What the tests of spend share: a clock that is set by hand, calls, policies, and one worker's gate."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field, replace
from typing import Any

import redis.asyncio

import policies
from policies.model import Matcher, Policy, Subject
from policies.rate_limit import limits_for
from policies.spend_cap import caps_for
from sallyport.ids import new_id
from sallyport.spend import keys
from sallyport.spend.admission import Admission
from sallyport.spend.counters import current_spend
from sallyport.spend.gate import SpendGate
from sallyport.spend.journal import Journal
from sallyport.tracing.record import CallRecord

NOON = 1_795_435_200.0
"""Monday, 2026-11-23, 12:00:00 UTC."""
SUBJECT = Subject("o", "w", "u", "k", {"team": "blue"})
_numbers = itertools.count()


class Clock:
    """Stands still until told."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def make(policy_type: str, config: dict[str, Any], **matchers: str) -> Policy:
    given = tuple(Matcher(key.replace("header_", "header:"), value) for key, value in matchers.items())
    name = f"p{next(_numbers):03}"
    return Policy(name, "o", name, policy_type, "block", given, policies.validate(policy_type, config, given))


def cap(limit_usd: object, window: str = "daily", *, strict: bool = False, unavailable: str = "block", **matchers: str) -> Policy:
    config = {"window": window, "limit_usd": limit_usd, "strict": strict, "on_store_unavailable": unavailable}
    return make("spend_cap", config, **matchers)


def limit(metric: str, window: str, value: int, **matchers: str) -> Policy:
    return make("rate_limit", {"limits": [{"metric": metric, "window": window, "value": value}]}, **matchers)


@dataclass
class Desk:
    """One worker's gate and what is asked of it."""

    client: redis.asyncio.Redis
    clock: Clock
    gate: SpendGate
    policies: tuple[Policy, ...] = ()
    subject: Subject = field(default_factory=lambda: SUBJECT)
    journal: Journal | None = None
    """The gate's."""

    def call(self, **changes: Any) -> CallRecord:
        who = self.subject
        record = CallRecord(new_id(), self.clock.now, organization_id=who.organization_id, workspace_id=who.workspace_id)
        return replace(record, **{"user_id": who.user_id, "api_key_id": who.api_key_id, **changes})

    async def admit(self, record: CallRecord, *, expected: int = 100, worst: int = 1000, tokens: int = 10) -> Admission:
        caps, limits = caps_for(self.policies, self.subject), limits_for(self.policies, self.subject)
        return await self.gate.admit(
            record, caps=caps, limits=limits, expected_nano=expected, worst_nano=worst, expected_tokens=tokens
        )

    async def spent(self, field: str = "workspace_id=w", window: str = "daily", at: float | None = None) -> int:
        return await current_spend(self.client, "o", field, window, self.clock.now if at is None else at)

    async def published(self) -> list[CallRecord]:
        entries: Any = await self.client.xrange("{o}:calls")
        return [CallRecord.from_json(fields[b"record"]) for _, fields in entries]

    async def noted(self) -> None:
        """What the gate did is in its journal."""
        assert self.journal is not None
        await asyncio.to_thread(self.journal.turn().wait)

    async def left_over(self) -> list[str]:
        """Reservations and amounts held that nobody released."""
        names = [text(key) for key in await self.client.keys("*")]
        found = [name for name in names if name.endswith((":reservations", ":pending", ":leases"))]
        for name in names:
            if ":spend:" in name:
                found += [f"{name} {text(entry)}" for entry in await self.client.hkeys(name) if text(entry).startswith("held:")]
        return found


async def whole(client: redis.asyncio.Redis, organization_id: str = "o") -> None:
    """What the console does first of all; the scripts are known from then on, as on a server that was not started anew."""
    await SpendGate(client, lease_seconds=1).admit(
        CallRecord("first", 0.0, organization_id=organization_id),
        caps=(),
        limits=(),
        expected_nano=0,
        worst_nano=0,
        expected_tokens=0,
    )
    await client.flushall()
    await client.set(keys.epoch(organization_id), "1")


def text(reply: bytes | str) -> str:
    return reply.decode() if isinstance(reply, bytes) else reply
