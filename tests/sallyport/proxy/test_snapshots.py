import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy import Engine

from sallyport.proxy import snapshots
from sallyport.proxy.snapshots import SnapshotFollower
from sallyport.store.opening import open_store
from sallyport.store.snapshot import Snapshot


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is looked at is a log
            await asyncio.sleep(0.005)


async def test_a_redis_that_is_away_is_told_once_and_so_is_its_return(
    redis_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(snapshots, "_RETRY_SECONDS", 0.01)
    caplog.set_level(logging.INFO, "sallyport.proxy.snapshots")
    store = open_store(tmp_path / "gateway.db", tmp_path / "master.key", {"SALLYPORT_MASTER_KEY": "00" * 32})
    link = tmp_path / "redis.sock"
    redis = Redis(unix_socket_path=str(link), retry=Retry(NoBackoff(), 0))
    looks = 0

    def version(_engine: Engine) -> int:
        nonlocal looks
        looks += 1
        return 0

    monkeypatch.setattr(snapshots, "snapshot_version", version)

    async def nothing(_snapshot: Snapshot) -> None: ...

    follower = SnapshotFollower(store.engine, store.vault, redis, nothing)
    following = asyncio.create_task(follower.run())
    await until(lambda: looks > 5)
    assert [record.getMessage()[:23] for record in caplog.records] == ["Redis can't be reached;"]
    link.symlink_to(redis_url.removeprefix("unix://"))
    await until(lambda: "changes are heard of again" in caplog.text)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await redis.aclose()
    store.engine.dispose()
    assert len(caplog.records) == 2
