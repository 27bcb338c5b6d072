"""Fixtures that many tests share: a real Redis-compatible server, and a real PostgreSQL."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from sallyport.supervisor.redis_server import configuration, find_server, url, wait_until_ready
from tests.postgresql import postgresql, postgresql_server

__all__ = ["postgresql", "postgresql_server", "redis_server", "redis_url"]


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """URL of a real server on a unix socket, one for each test process; it may hold what earlier tests left."""
    with tempfile.TemporaryDirectory(prefix="sallyport-redis-") as directory:
        socket = Path(directory) / "redis.sock"
        process = subprocess.Popen([find_server(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert process.stdin is not None
        process.stdin.write(configuration(Path(directory), socket))
        process.stdin.close()
        try:
            wait_until_ready(socket, process.pid)
            yield url(socket)
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The same server, emptied."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server
