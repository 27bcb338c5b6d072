"""What dies, and what that costs: nothing that is recorded, and no money."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false, reportArgumentType=false
from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest
import redis

from sallyport.spend import keys
from sallyport.standin import StandIn
from tests.e2e.support import ADMIN_KEY, Gateway, Team, wait_for
from tests.e2e.wire import chat

PATH = "/openai/v1/chat/completions"
STREAMS = 12


@pytest.fixture(scope="module")
def mortal(providers: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    options = ("--ner-workers", "0", "--lease-seconds", "2")
    with Gateway(tmp_path_factory.mktemp("mortal"), providers, *options) as gateway:
        yield gateway


def read_stream(gateway: Gateway, team: Team, begun: threading.Barrier, text: str) -> tuple[str, str]:
    """The id of a streamed call and all that came of its answer."""
    got = ""
    with gateway.client(team) as client, client.stream("POST", PATH, json=chat(text, stream=True)) as answer:
        pieces = answer.iter_text()
        got += next(pieces)
        begun.wait(timeout=30)
        try:
            for piece in pieces:
                got += piece
        except httpx2.RemoteProtocolError:
            pass
    return answer.headers["x-gateway-request-id"], got


def test_a_worker_killed_within_streams(mortal: Gateway, standin: StandIn):
    cap = {"window": "monthly", "limit_usd": 1}
    team = mortal.team("survivors", {"policy_type": "spend_cap", "config": cap})
    killed, *others = mortal.state["workers"]
    begun = threading.Barrier(STREAMS + 1)
    with ThreadPoolExecutor(STREAMS) as pool:
        text = "[[length:20]] [[delay-ms:50]]"
        streams = [pool.submit(read_stream, mortal, team, begun, text) for _ in range(STREAMS)]
        begun.wait(timeout=30)
        os.kill(killed, signal.SIGKILL)
        results = dict(stream.result() for stream in streams)

    finished = {call_id for call_id, text in results.items() if "[DONE]" in text}
    cut = results.keys() - finished
    assert finished, "every stream was on the killed worker"
    assert cut, "no stream was on the killed worker"
    for call_id in finished:
        record = mortal.call(call_id)
        assert (record["outcome"], record["estimated"], record["output_tokens"]) == ("success", False, 20)
    # a lease that runs out becomes a charge that says that it is an estimate
    for call_id in cut:
        record = mortal.call(call_id)
        assert (record["outcome"] in ("error", "aborted"), record["estimated"]) == (True, True)
        assert Decimal(record["cost_usd"]) > 0

    with redis.Redis(unix_socket_path=str(mortal.data_dir / "run" / "redis.sock")) as store:
        for name in (keys.reservations("default"), keys.pending("default"), keys.leases("default")):
            assert not store.exists(name), f"{name} still holds something"
        windows = list(store.scan_iter("{default}:spend:*"))
        counters = {field: int(value) for key in windows for field, value in store.hgetall(key).items()}
        held = {field for field, value in counters.items() if field.startswith(b"held:") and value}
        assert not held

    def recovered() -> bool:
        pids = mortal.state["workers"]
        return len(pids) == 2 and killed not in pids and set(others) < set(pids)

    wait_for(recovered, "the worker to be replaced", 15)
    assert mortal.known(team.key)
    with mortal.client(team) as client:
        assert client.post(PATH, json=chat("and on it goes")).status_code == 200


def test_the_console_killed_loses_no_record(mortal: Gateway, standin: StandIn):
    team = mortal.team("patient")
    console = _console_pid(mortal)
    with mortal.client(team) as client:
        os.kill(console, signal.SIGKILL)
        ids = [client.post(PATH, json=chat("hello")).headers["x-gateway-request-id"] for _ in range(5)]
    wait_for(lambda: _healthy(mortal), "the console to come back", 20)
    for call_id in ids:
        assert mortal.call(call_id)["outcome"] == "success"


def test_sigterm_lets_a_stream_finish(providers: StandIn, tmp_path: Path):
    with Gateway(tmp_path, providers, "--ner-workers", "0") as gateway:
        team = gateway.team("late")
        begun = threading.Barrier(2)
        with ThreadPoolExecutor(1) as pool:
            stream = pool.submit(read_stream, gateway, team, begun, "[[length:30]] [[delay-ms:100]]")
            begun.wait(timeout=30)
            listen = gateway.listen
            asked = time.monotonic()
            assert gateway.process is not None
            gateway.process.send_signal(signal.SIGTERM)
            wait_for(lambda: _refuses(listen), "the port to close")
            assert not stream.done()
            call_id, text = stream.result()
        assert text.rstrip().endswith("data: [DONE]")
        assert gateway.process.wait(timeout=30) == 0
        assert time.monotonic() - asked < 25
    # the record was written on the way down
    with closing(sqlite3.connect(gateway.data_dir / "gateway.db")) as ledger:
        rows = ledger.execute("SELECT outcome, output_tokens FROM calls WHERE id = ?", (call_id,)).fetchall()
    assert rows == [("success", 30)]


async def test_revocation_reaches_busy_workers_within_a_second(gateway: Gateway, team: Team, standin: StandIn):
    made = gateway.new_key(team.workspace_id)
    headers = {"x-gateway-key": made["key"]}
    async with httpx2.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False) as client:
        last_success = 0.0

        async def knock() -> None:
            nonlocal last_success
            while (await client.post(PATH, json=chat("hi"))).status_code == 200:
                last_success = time.monotonic()

        knocking = asyncio.gather(*(knock() for _ in range(4)))
        await asyncio.sleep(0)
        revoked = time.monotonic()
        await asyncio.to_thread(gateway.admin, "DELETE", f"/v1/keys/{made['id']}")
        await asyncio.wait_for(knocking, 10)
    assert last_success - revoked < 2.0  # the contract's second, and what the machine's other work takes


def _refuses(listen: str) -> bool:
    try:
        httpx2.get(f"http://{listen}/", trust_env=False)
    except httpx2.ConnectError:
        return True
    return False


def _healthy(gateway: Gateway) -> bool:
    try:
        answer = httpx2.get(f"{gateway.console}/healthz", headers={"x-api-key": ADMIN_KEY}, trust_env=False)
    except httpx2.TransportError:
        return False
    return answer.status_code == 200


def _console_pid(gateway: Gateway) -> int:
    """The child of our supervisor that runs the console; found by its parent, so that it can be no one else's."""
    assert gateway.process is not None
    children = f"/proc/{gateway.process.pid}/task/{gateway.process.pid}/children"
    for pid in Path(children).read_text().split():
        if "sallyport.console.server" in Path(f"/proc/{pid}/cmdline").read_text():
            return int(pid)
    raise AssertionError("no console runs")
