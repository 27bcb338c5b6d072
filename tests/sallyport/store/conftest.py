"""A store on each kind of database: SQLite in a file, and a real PostgreSQL where one is installed."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from sallyport.store.models import Actor
from sallyport.store.opening import open_store
from sallyport.store.operations import Store

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Path]:
    """The directory of its unix socket; the server runs as an unprivileged user, as it insists on."""
    initdb = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)
    if initdb is None:
        pytest.skip("no PostgreSQL is installed (/usr/lib/postgresql/*/bin/initdb)")
    directory = Path(tempfile.mkdtemp(prefix="sallyport-pg-"))
    user = _unprivileged()
    if user is not None:
        os.chown(directory, user, -1)
    data = directory / "data"

    def run(program: str, *arguments: str) -> None:
        command = [str(initdb.parent / program), "-D", str(data), *arguments]
        subprocess.run(command, check=True, cwd=directory, user=user, stdout=subprocess.DEVNULL, timeout=60)

    try:
        run("initdb", "-U", "sallyport", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-k {directory} -c listen_addresses='' -c fsync=off -c full_page_writes=off -c shared_buffers=16MB"
        run("pg_ctl", "-w", "-l", str(directory / "log"), "-o", options, "start")
        try:
            yield directory
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _unprivileged() -> int | None:
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


@pytest.fixture
def postgresql(postgresql_server: Path) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(f"postgresql://sallyport@/postgres?host={postgresql_server}", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield f"postgresql://sallyport@/{name}?host={postgresql_server}"
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where an empty database is, or is to be."""
    if request.param == "sqlite":
        return tmp_path / "gateway.db"
    url: str = request.getfixturevalue("postgresql")
    return url


@pytest.fixture
def reopen(database: str | Path, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens the store as another process would."""
    stores: list[Store] = []

    def open_it() -> Store:
        stores.append(open_store(database, tmp_path / "master.key", {}))
        return stores[-1]

    yield open_it
    for store in stores:
        store.engine.dispose()


@pytest.fixture
def store(reopen: Callable[[], Store]) -> Store:
    """After its first start."""
    store = reopen()
    store.first_start()
    return store


@pytest.fixture
def actor() -> Actor:
    return Actor("tester", "192.0.2.7")
