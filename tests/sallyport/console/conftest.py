"""A console on a real SQLite database and a real Redis-compatible server, asked through ASGI."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sallyport.console import redis_client
from sallyport.console.app import attach
from sallyport.console.context import assemble
from sallyport.settings import Address, Settings
from sallyport.store.opening import open_store
from tests.sallyport.console.bench import ADMIN_KEY, ORIGIN, Bench, app


@pytest.fixture(scope="session")
def fresh_install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data dir after its first start, to copy."""
    data_dir = tmp_path_factory.mktemp("fresh")
    store = open_store(data_dir / "gateway.db", data_dir / "master.key", {})
    store.first_start(ADMIN_KEY)
    store.engine.dispose()
    return data_dir


@pytest.fixture
def data_dir(tmp_path: Path, fresh_install: Path) -> Path:
    for name in ("gateway.db", "master.key"):
        shutil.copy(fresh_install / name, tmp_path / name)
    return tmp_path


@pytest.fixture
async def bench(data_dir: Path, redis_url: str) -> AsyncIterator[Bench]:
    changes: list[None] = []
    store = open_store(data_dir / "gateway.db", data_dir / "master.key", {}, on_change=lambda: changes.append(None))
    redis = redis_client.connect(redis_url)
    settings = Settings(data_dir=data_dir, listen=Address(host="127.0.0.1", port=1), names=("gate.example",))
    console = assemble(settings, store, redis)
    transport = httpx2.ASGITransport(attach(app(), console), raise_app_exceptions=False)

    def connect(**more: Any) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=transport, base_url=ORIGIN, **more)

    async with connect(headers={"X-API-Key": ADMIN_KEY}) as api, connect() as anyone:
        yield Bench(console, api, anyone, connect, changes)
    await redis.aclose()
    store.engine.dispose()


@pytest.fixture
async def browser(bench: Bench) -> AsyncIterator[httpx2.AsyncClient]:
    """Signed in."""
    async with bench.connect(headers={"Origin": ORIGIN, "Accept": "text/html"}) as client:
        response = await client.post("/login", data={"key": ADMIN_KEY})
        assert response.status_code == 303
        yield client
