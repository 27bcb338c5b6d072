from __future__ import annotations

import asyncio

from sallyport.spend.connection import connect
from sallyport.spend.gate import SpendGate
from tests.sallyport.spend.desk import Clock, Desk


async def test_a_burst_of_calls_waits_for_connections_and_all_are_admitted(redis_url: str) -> None:
    async with connect(redis_url) as client:
        clock = Clock()
        desk = Desk(client, clock, SpendGate(client, lease_seconds=30, answer_seconds=30, clock=clock))
        admissions = await asyncio.gather(*(desk.admit(desk.call()) for _ in range(300)))
    assert all(admission.admitted for admission in admissions)
