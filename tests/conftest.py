"""Fixtures that many tests share: a real Redis-compatible server, and real databases of both kinds."""

# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from sallyport.store.database import open_database
from sallyport.supervisor.redis_server import configuration, find_server, url, wait_until_ready
from tests.postgresql import postgresql, postgresql_server, postgresql_template, postgresql_with_schema

__all__ = [
    "database",
    "postgresql",
    "postgresql_server",
    "postgresql_template",
    "postgresql_with_schema",
    "redis_server",
    "redis_url",
    "sqlite_template",
]


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


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with our schema, to copy: making it anew takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "gateway.db"
    open_database(path).dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where a database is that has our schema and holds nothing: SQLite, and PostgreSQL where that is installed."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql_with_schema")
        return url
    return Path(shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "gateway.db"))
