"""The console as the supervisor starts it: a process of its own."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from sallyport.console import redis_client
from sallyport.settings import Address, Settings
from sallyport.spend.gate import SpendGate
from sallyport.supervisor.child import READY_FD
from sallyport.tracing.record import CallRecord
from tests.sallyport.console.bench import ADMIN_KEY

PATIENCE = 20.0


@contextmanager
def started(settings: Settings, **environment: str) -> Generator[tuple[subprocess.Popen[bytes], int]]:
    """The process, and the reading end of its ready pipe."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-O", "-m", "sallyport.console.server"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(writer,),
        env={**os.environ, READY_FD: str(writer), **environment},
    )
    os.close(writer)
    assert process.stdin is not None
    process.stdin.write(settings.model_dump_json().encode())
    process.stdin.close()
    try:
        yield process, reader
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        assert process.stderr is not None
        process.stderr.close()


@pytest.fixture
def settings(data_dir: Path, redis_url: str) -> Settings:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return Settings(data_dir=data_dir, console=Address(host="127.0.0.1", port=port), redis_url=redis_url)


async def test_it_serves_records_announces_and_ends_with_nothing_left_behind(settings: Settings) -> None:
    assert settings.redis_url is not None
    redis = redis_client.connect(settings.redis_url)
    gate = SpendGate(redis, lease_seconds=30)
    headers = {"X-API-Key": ADMIN_KEY}
    with started(settings) as (process, ready):
        assert await asyncio.to_thread(os.read, ready, 100) == b"ready\n"
        async with (
            httpx2.AsyncClient(base_url=f"http://{settings.console}", headers=headers) as client,
            redis.pubsub() as listener,
        ):
            await listener.subscribe(redis_client.CHANGED)
            await listener.get_message(timeout=PATIENCE)
            made = await client.post("/v1/keys", json={"workspace_id": "default"})
            assert made.status_code == 201
            assert (await listener.get_message(ignore_subscribe_messages=True, timeout=PATIENCE)) is not None

            await gate.publish([CallRecord(id="c1", started_at=time.time(), organization_id="default")])
            await gate.publish([CallRecord(id="c2", started_at=time.time(), outcome="blocked")])
            async with asyncio.timeout(PATIENCE):
                while [call["id"] for call in (await client.get("/v1/calls")).json()["items"]] != ["c2", "c1"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert (await client.get("/v1/audit-logs")).json()["items"][0]["source_ip"] == "127.0.0.1"

        for number in range(200):
            await gate.publish([CallRecord(id=f"late-{number}", started_at=time.time(), organization_id="default")])
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, PATIENCE) == 0
        assert await redis.xlen("{default}:calls") == 0
    await redis.aclose()


async def test_another_master_key_is_a_clear_error(settings: Settings) -> None:
    with started(settings, SALLYPORT_MASTER_KEY="00" * 32) as (process, ready):
        assert await asyncio.to_thread(os.read, ready, 100) == b""
        assert await asyncio.to_thread(process.wait, PATIENCE) == 1
        assert process.stderr is not None
        told = process.stderr.read().decode()
    assert "master key does not fit" in told
    assert "Traceback" not in told


async def test_a_port_in_use_is_a_clear_error(settings: Settings) -> None:
    with (
        socket.create_server((settings.console.host, settings.console.port)),
        started(settings) as (process, _),
    ):
        assert await asyncio.to_thread(process.wait, PATIENCE) == 1
        assert process.stderr is not None
        told = process.stderr.read().decode()
    assert "in use" in told
    assert "Traceback" not in told
