"""Redis that is gone, hangs or forgets: a clear error within the deadline, never a wait."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from sallyport.spend.connection import connect
from sallyport.spend.gate import SpendGate, StoreUnavailable
from tests.sallyport.spend.desk import Clock, Desk


async def unavailable(url: str) -> float:
    """How long a gate takes to say that this Redis can't be used."""
    async with connect(url) as client:
        desk = Desk(client, Clock(), SpendGate(client, lease_seconds=30, answer_seconds=0.1, clock=Clock()))
        started = time.perf_counter()
        with pytest.raises(StoreUnavailable, match="Redis"):
            await desk.admit(desk.call())
        took = time.perf_counter() - started
        for asked in (desk.gate.settle(desk.call()), desk.gate.publish([desk.call()]), desk.gate.renew([desk.call()])):
            with pytest.raises(StoreUnavailable):
                await asked
    return took


async def test_nobody_listens(tmp_path: Path) -> None:
    assert await unavailable(f"unix://{tmp_path}/nobody.sock") < 1


async def test_a_server_that_never_answers(tmp_path: Path) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        writer.close()

    async with await asyncio.start_unix_server(swallow, tmp_path / "mute.sock"):
        assert await unavailable(f"unix://{tmp_path}/mute.sock") < 1


async def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one(desk: Desk) -> None:
    hasty = SpendGate(desk.client, lease_seconds=30, answer_seconds=0.05, clock=desk.clock)
    patient, desk.gate = desk.gate, hasty
    await desk.client.client_pause(200)
    with pytest.raises(StoreUnavailable, match="50 ms"):
        await desk.admit(desk.call())
    desk.gate = patient
    for _ in range(3):
        record = desk.call()
        assert (await desk.admit(record)).admitted
        await desk.gate.settle(record)


async def test_a_server_that_forgot_the_scripts_is_given_them_again(desk: Desk) -> None:
    for _ in range(2):
        record = desk.call()
        assert (await desk.admit(record)).admitted
        await desk.gate.settle(record)
        await desk.client.script_flush()
    assert await desk.left_over() == []
