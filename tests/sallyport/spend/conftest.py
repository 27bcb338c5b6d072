"""A worker's gate on the real server."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sallyport.spend.connection import connect
from sallyport.spend.gate import SpendGate
from tests.sallyport.spend.desk import Clock, Desk, whole


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(redis_url: str, clock: Clock) -> AsyncIterator[Desk]:
    async with connect(redis_url) as client:
        await whole(client)
        yield Desk(client, clock, SpendGate(client, lease_seconds=30, answer_seconds=10, clock=clock))
