"""A store with one spender, counters that are whole, and a receiver on this machine, which the settings allow."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from policies.model import Policy, Subject
from policies.spend_cap import caps_for
from sallyport.alerts.delivery import Delivery
from sallyport.alerts.post import Poster
from sallyport.alerts.watcher import Watcher
from sallyport.ids import new_id
from sallyport.settings import Address, Settings
from sallyport.spend.gate import SpendGate
from sallyport.store.load import load_policies
from sallyport.store.models import Actor
from sallyport.store.opening import open_store
from sallyport.store.operations import Store
from sallyport.tracing.record import CallRecord
from tests.sallyport.alerts.receiver import Receiver, receiving
from tests.sallyport.spend.desk import whole

ADMIN = Actor("test")
SETTINGS = Settings(listen=Address(host="127.0.0.1", port=1), console=Address(host="127.0.0.1", port=2))
LOOPBACK = SETTINGS.model_copy(update={"allow_destinations": ("127.0.0.0/8",)})


@dataclass
class Budget:
    """A gateway as alerts see it: a store, counters, and what a console process runs."""

    store: Store
    client: redis.asyncio.Redis

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.watcher = Watcher(self.client, self.store.engine, self.policies)
        self.delivery = Delivery(self.store, Poster(LOOPBACK))

    def policies(self) -> tuple[Policy, ...]:
        return load_policies(self.store.engine)

    def cap(self, limit_usd: object = 10, kind: str = "spend_cap", *matchers: tuple[str, str], **config: Any) -> str:
        fields = {
            "name": f"cap <{limit_usd}> & more",
            "policy_type": kind,
            "subject_matchers": [{"key": key, "value": value} for key, value in matchers],
            "config": {"window": "monthly", "limit_usd": limit_usd, **config},
        }
        return self.store.create_policy(ADMIN, fields).id

    async def spend(self, usd: float, **who: Any) -> None:
        """A call that cost so much has ended and was recorded."""
        record = CallRecord(new_id(), time.time(), organization_id="default", workspace_id="default")
        record = replace(record, cost_nano=round(usd * 10**9), **who)
        subject = Subject("default", "default", record.user_id, record.api_key_id, record.headers)
        gate, caps = SpendGate(self.client, lease_seconds=30), caps_for(self.policies(), subject)
        await gate.admit(record, caps=caps, limits=(), expected_nano=0, worst_nano=0, expected_tokens=0)
        await gate.settle(record)
        await self.watcher.write([record])

    async def look(self, after: float = 0.0) -> None:
        """What the console does each second; `after` so many seconds have gone by."""
        await self.watcher.once()
        await self.delivery.once(time.time() + after)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "gateway.db", tmp_path / "master.key", {})
    store.first_start("an-admin-key-of-the-operator")
    yield store
    store.engine.dispose()


@pytest.fixture
async def budget(store: Store, redis_url: str) -> AsyncIterator[Budget]:
    async with redis.asyncio.from_url(redis_url) as client:
        await whole(client, "default")
        yield Budget(store, client)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found
