"""`on_store_unavailable: lease`: without Redis each worker spends what it had set aside, and not a nano-dollar more."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sallyport.spend import keys
from sallyport.spend.connection import connect
from sallyport.spend.gate import SpendGate, StoreUnavailable
from sallyport.spend.reaper import reap
from sallyport.supervisor.redis_server import configuration, find_server, url, wait_until_ready
from sallyport.tracing.record import CallRecord
from tests.sallyport.spend.desk import Clock, Desk, cap, whole

WORKERS = 3
LIMIT = 10_000
GRANTS = [100, 99, 98]
"""A hundredth of what is left, for one worker after the other."""
CAP = "0.00001"


@dataclass
class Server:
    """A real one of its own, with its file, that can be stopped and killed."""

    directory: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return url(self.directory / "redis.sock")

    def start(self) -> None:
        socket = self.directory / "redis.sock"
        self.process = subprocess.Popen([find_server(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert self.process.stdin is not None
        self.process.stdin.write(configuration(self.directory, socket))
        self.process.stdin.close()
        wait_until_ready(socket, self.process.pid)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)
        if number == signal.SIGKILL:
            self.process.wait(timeout=10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "r").mkdir()
    server = Server(tmp_path / "r")
    server.start()
    yield server
    assert server.process is not None
    server.process.kill()
    server.process.wait(timeout=10)


@pytest.fixture
async def workers(server: Server) -> AsyncIterator[list[Desk]]:
    """Three workers that have each served a call under a strict cap, and have their share."""
    clock = Clock()
    policies = (cap(CAP, strict=True, unavailable="lease", workspace_id="w"), cap(1, unavailable="allow"))
    async with connect(server.url) as first:
        await whole(first)
        desks = [
            Desk(client, clock, SpendGate(client, lease_seconds=30, answer_seconds=0.3, clock=clock), policies)
            for client in (connect(server.url) for _ in range(WORKERS))
        ]
        for desk in desks:
            await settled(desk, 0)
            await desk.gate.renew_grants()
        yield desks
        for desk in desks:
            await desk.client.aclose()


async def settled(desk: Desk, cost: int) -> CallRecord:
    call = replace(desk.call(), cost_nano=cost)
    assert (await desk.admit(call, worst=max(cost, 1))).admitted
    await desk.gate.settle(call)
    return call


async def held(desk: Desk) -> int:
    return int(await desk.client.hget(keys.spend("o", "daily", desk.clock.now), "held:workspace_id=w") or 0)


async def let_through(desk: Desk, worst: int) -> list[CallRecord]:
    """Calls that are admitted one after the other until one is not."""
    admitted: list[CallRecord] = []
    while True:
        call = desk.call()
        try:
            assert (await desk.admit(call, worst=worst)).admitted
        except StoreUnavailable:
            return admitted
        admitted.append(call)


async def test_what_is_set_aside_is_held_and_small(workers: list[Desk]) -> None:
    assert await held(workers[0]) == sum(GRANTS)
    assert (await workers[0].admit(workers[0].call(), worst=LIMIT - sum(GRANTS))).admitted


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
async def test_without_redis_each_worker_spends_its_share_and_no_more(
    server: Server, workers: list[Desk], how: signal.Signals
) -> None:
    server.signal(how)
    admitted = [await let_through(desk, worst=20) for desk in workers]
    assert [len(calls) for calls in admitted] == [5, 4, 4]
    # a call that turns out cheaper gives back what it did not use
    desk, calls = workers[0], admitted[0]
    with pytest.raises(StoreUnavailable):
        await desk.gate.settle(replace(calls[0], cost_nano=5))
    assert len(await let_through(desk, worst=15)) == 1

    if how == signal.SIGSTOP:
        server.signal(signal.SIGCONT)
    else:
        server.start()
    for desk in workers:
        await desk.gate.look_again()
    await workers[0].gate.settle_again(replace(calls[0], cost_nano=5))
    for desk, calls in zip(workers, admitted, strict=True):
        for call in calls:
            await desk.gate.settle(replace(call, cost_nano=20))
    spent = 5 + 4 * 20 + 4 * 20 + 4 * 20
    assert await workers[0].spent() == spent
    assert spent <= sum(GRANTS)


async def test_the_cap_holds_though_the_others_have_filled_it_meanwhile(server: Server, workers: list[Desk]) -> None:
    """A worker that can't reach Redis spends beside those that can."""
    cut_off, other = workers[0], workers[1]
    await settled(other, LIMIT - sum(GRANTS))
    assert not (await other.admit(other.call(), worst=1)).admitted
    server.signal(signal.SIGSTOP)
    calls = await let_through(cut_off, worst=25)
    assert len(calls) == 4
    server.signal(signal.SIGCONT)
    await cut_off.gate.look_again()
    for call in calls:
        await cut_off.gate.settle(replace(call, cost_nano=25))
    assert await other.spent() == LIMIT - sum(GRANTS) + 100 <= LIMIT


async def test_what_is_spent_and_not_settled_stays_set_aside(server: Server, workers: list[Desk]) -> None:
    desk = workers[0]
    server.signal(signal.SIGSTOP)
    (call,) = await let_through(desk, worst=100)
    server.signal(signal.SIGCONT)
    await desk.gate.look_again()
    await settled(workers[1], LIMIT - sum(GRANTS) - 300)  # Redis did what it was asked while it stood still, too
    desk.clock.now += 10
    await desk.gate.renew_grants()
    assert await held(desk) >= 100
    await desk.gate.settle(replace(call, cost_nano=100))
    desk.clock.now += 10
    for one in workers:
        await one.gate.renew_grants()
    assert await desk.spent() + await held(desk) <= LIMIT


async def test_blocked_where_another_cap_says_block_or_nothing_is_set_aside(server: Server, workers: list[Desk]) -> None:
    desk = workers[0]
    strangers = Desk(desk.client, desk.clock, SpendGate(desk.client, lease_seconds=30, answer_seconds=0.1), desk.policies)
    server.signal(signal.SIGSTOP)
    with pytest.raises(StoreUnavailable):
        await strangers.admit(strangers.call(), worst=1)
    desk.policies = (*desk.policies, cap(1, api_key_id="k"))
    with pytest.raises(StoreUnavailable):
        await desk.admit(desk.call(), worst=1)
    desk.policies = desk.policies[1:2]
    with pytest.raises(StoreUnavailable):  # `allow` is for whoever asked to decide
        await desk.admit(desk.call(), worst=1)


async def test_another_window_is_another_share(server: Server, workers: list[Desk]) -> None:
    server.signal(signal.SIGSTOP)
    workers[0].clock.now += 86400
    with pytest.raises(StoreUnavailable):
        await workers[0].admit(workers[0].call(), worst=1)


async def test_shares_go_back_when_a_worker_ends_dies_or_has_no_use_for_them(workers: list[Desk]) -> None:
    ends, dies, idle = workers
    await ends.gate.give_grants_back()
    assert await held(ends) == GRANTS[1] + GRANTS[2]
    ends.clock.now += 31
    await idle.gate.renew_grants()
    assert await reap(dies.client, ["o"], dies.clock.now) == 0
    assert await held(dies) == (LIMIT - GRANTS[1]) // 100
    ends.clock.now += 601
    await idle.gate.renew_grants()
    assert await dies.left_over() == []


async def test_nobody_waits_for_a_redis_that_did_not_answer(server: Server, workers: list[Desk]) -> None:
    desk = workers[0]
    server.signal(signal.SIGSTOP)
    with pytest.raises(StoreUnavailable, match="300 ms"):
        await desk.gate.settle(desk.call())
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await desk.gate.settle(desk.call())
    await desk.gate.look_again()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        await desk.admit(desk.call(), worst=10**9)
    server.signal(signal.SIGCONT)
    await desk.gate.look_again()
    assert (await asyncio.wait_for(desk.admit(desk.call(), worst=1), 5)).admitted
