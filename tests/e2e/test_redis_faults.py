"""Redis is emptied, stopped and killed while calls run: what that costs is said beforehand, and nothing is forgotten."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import redis

from sallyport.standin import StandIn
from tests.e2e.support import ROOT, Gateway, Team, wait_for
from tests.e2e.wire import CHAT, chat

PRICE = Decimal("0.0005025")
"""Of gpt-4o at $2.50 and $10 per million: one word in, 50 out."""
CALLERS = 6
CHOICES = ("block", "allow", "lease")


@pytest.fixture(scope="module")
def mortal(providers: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    options = ("--ner-workers", "0", "--lease-seconds", "3")
    with Gateway(tmp_path_factory.mktemp("faults"), providers, *options) as gateway:
        yield gateway


def body(text: str = "") -> dict[str, Any]:
    return chat(f"[[in:1]] [[out:50]] {text}", max_tokens=50) | {"model": "gpt-4o"}


def store(gateway: Gateway) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(gateway.data_dir / "run" / "redis.sock"))


def spent(gateway: Gateway, team: Team) -> Decimal:
    calls = gateway.calls(workspace_id=team.workspace_id)
    return sum((Decimal(call["cost_usd"]) for call in calls), Decimal(0))


def reconciled(gateway: Gateway) -> bool:
    """`spend reconcile` finds no drift."""
    command = [sys.executable, str(ROOT / "run_gateway.py"), "spend", "reconcile", "--data-dir", str(gateway.data_dir)]
    return subprocess.run(command, capture_output=True, cwd=ROOT, check=False).returncode == 0


def test_emptied_under_load_the_strict_cap_holds_and_no_call_is_forgotten(mortal: Gateway, standin: StandIn):
    limit = 40 * PRICE
    config = {"window": "monthly", "limit_usd": str(limit), "strict": True}
    team = mortal.team("flushed", {"policy_type": "spend_cap", "config": config})
    statuses: list[int] = []
    enough = threading.Event()

    def call() -> None:
        with mortal.client(team) as client:
            while not enough.is_set():
                statuses.append(client.post(CHAT, json=body("[[delay-ms:20]]")).status_code)

    with ThreadPoolExecutor(CALLERS) as pool, store(mortal) as client:
        for _ in range(CALLERS):
            pool.submit(call)
        for emptied_at in (8, 20, 32):
            wait_for(lambda at=emptied_at: statuses.count(200) >= at, "calls to be answered", 20)
            client.flushall()
        wait_for(lambda: statuses.count(402), "the cap to be reached", 20)
        enough.set()

    assert set(statuses) == {200, 402}
    assert len(standin.requests()) == statuses.count(200)
    wait_for(lambda: spent(mortal, team) == statuses.count(200) * PRICE, "every call to be in the ledger", 30)
    assert spent(mortal, team) <= limit
    assert reconciled(mortal)


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_while_redis_is_away_each_cap_does_as_it_says(mortal: Gateway, standin: StandIn, how: signal.Signals):
    """Two workers with a share of half a cent each, which is nine calls."""
    caps = {choice: {"window": "monthly", "limit_usd": "0.5", "on_store_unavailable": choice} for choice in CHOICES}
    teams = {choice: mortal.team(choice, {"policy_type": "spend_cap", "config": config}) for choice, config in caps.items()}
    for team in teams.values():
        _call_often(mortal, team, 12)  # until both workers have seen one
    time.sleep(1.5)  # a share is asked for each second
    standin.clear()

    pid = _redis_pid(mortal)
    os.kill(pid, how)
    if how == signal.SIGKILL:
        os.kill(mortal.process.pid if mortal.process else 0, signal.SIGSTOP)  # who would start it again
    try:
        statuses = {choice: _call_often(mortal, team, 30) for choice, team in teams.items()}
    finally:
        os.kill(pid if how == signal.SIGSTOP or not mortal.process else mortal.process.pid, signal.SIGCONT)

    assert set(statuses["block"]) == {503}
    assert set(statuses["allow"]) == {200}
    let_through = statuses["lease"].count(200)
    assert set(statuses["lease"]) == {200, 503}
    assert 0 < let_through * PRICE <= 2 * Decimal("0.005")
    assert len(standin.requests()) == 30 + let_through
    for choice, answered in (("allow", 42), ("lease", 12 + let_through), ("block", 12)):
        team = teams[choice]
        wait_for(lambda team=team, answered=answered: spent(mortal, team) == answered * PRICE, f"the calls of {choice}", 30)
    wait_for(lambda: reconciled(mortal), "no drift", 20)


def _call_often(gateway: Gateway, team: Team, times: int) -> list[int]:
    statuses: list[int] = []
    for _ in range(times):
        with gateway.client(team) as client:
            statuses.append(client.post(CHAT, json=body()).status_code)
    return statuses


def _redis_pid(gateway: Gateway) -> int:
    assert gateway.process is not None
    children = Path(f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children").read_text().split()
    return next(int(pid) for pid in children if b"-server" in Path(f"/proc/{pid}/cmdline").read_bytes())
