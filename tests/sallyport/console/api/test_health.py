from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from sallyport.console import redis_client
from sallyport.console.app import attach
from sallyport.console.context import Console
from sallyport.settings import Address
from sallyport.spend.keys import rejections
from sallyport.tracing.record import CallRecord
from tests.sallyport.console.bench import ADMIN_KEY, ORIGIN, Bench, app


async def ask(console: Console, path: str = "/healthz") -> httpx2.Response:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(attach(app(), console)), base_url=ORIGIN) as client:
        return await client.get(path)


@pytest.fixture
def served(bench: Bench) -> Iterator[Console]:
    """A console whose data plane accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address(host="0.0.0.0", port=listener.getsockname()[1])
        yield replace(bench.console, settings=bench.console.settings.model_copy(update={"listen": address}))


async def test_all_well(served: Console) -> None:
    response = await ask(served)
    assert response.status_code == 200
    assert (await ask(served, "/readyz")).json() == {"status": "ok"}
    assert response.json()["status"] == "ok"
    assert set(response.json()["dependencies"]) == {"database", "redis", "recorder", "workers"}
    assert response.json()["dependencies"]["recorder"] == {"status": "ok", "waiting": 0, "lag_seconds": 0.0}


async def test_a_dead_data_plane_is_named(bench: Bench) -> None:
    response = await ask(bench.console)
    assert response.status_code == 503
    states = {name: dependency["status"] for name, dependency in response.json()["dependencies"].items()}
    assert states == {"database": "ok", "redis": "ok", "recorder": "ok", "workers": "down"}
    ready = await ask(bench.console, "/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "down"})


async def test_a_dead_redis_is_named(served: Console, tmp_path: Path) -> None:
    gone = redis_client.connect(f"unix://{tmp_path}/no.sock")
    response = await ask(replace(served, redis=gone))
    assert response.status_code == 503
    assert (await ask(replace(served, redis=gone), "/readyz")).status_code == 200
    assert response.json()["dependencies"]["redis"] == {"status": "down"}
    assert response.json()["dependencies"]["database"] == {"status": "ok"}


async def test_a_recorder_that_can_not_write_is_named(served: Console) -> None:
    served.recorder.status.sql_error = "the database does not answer: secret words"
    response = await ask(served)
    assert response.status_code == 503
    assert response.json()["dependencies"]["recorder"]["status"] == "down"
    assert "secret words" not in response.text


async def test_metrics_are_open_and_spend_is_not(bench: Bench) -> None:
    record = CallRecord(id="1", started_at=0.0, provider="openai", model="gpt-5", input_tokens=3, cost_nano=1_500_000_001)
    blocked = CallRecord(id="2", started_at=0.0, outcome="blocked", reason="key_unknown")
    await bench.console.counters.write([record, blocked])
    await cast(Any, bench.console.redis).hset(rejections(socket.gethostname()), "malformed", 4)
    response = await bench.anyone.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = response.text.splitlines()
    assert 'sallyport_calls_total{provider="openai",model="gpt-5",outcome="success"} 1' in lines
    assert 'sallyport_calls_total{provider="none",model="none",outcome="blocked"} 1' in lines
    assert 'sallyport_calls_blocked_total{provider="none",model="none",reason="key_unknown"} 1' in lines
    assert 'sallyport_tokens_total{provider="openai",model="gpt-5",direction="input"} 3' in lines
    assert 'sallyport_up{dependency="redis"} 1' in lines
    assert 'sallyport_rejections_total{reason="malformed"} 4' in lines
    assert "spend" not in response.text

    for headers in ({"X-API-Key": ADMIN_KEY}, {"Authorization": f"Bearer {ADMIN_KEY}"}):
        response = await bench.anyone.get("/metrics", headers=headers)
        assert 'sallyport_spend_usd_total{provider="openai",model="gpt-5"} 1.500000001' in response.text.splitlines()
    response = await bench.anyone.get("/metrics", headers={"X-API-Key": "wrong"})
    assert "spend" not in response.text
