"""A real PostgreSQL for tests, where one is installed; skipped with the reason elsewhere."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from sallyport.store.database import open_database

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
    with _database(postgresql_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: Path) -> Iterator[str]:
    """The name of a database with our schema, to copy."""
    with _database(postgresql_server) as url:
        open_database(url).dispose()
        yield str(make_url(url).database)


@pytest.fixture
def postgresql_with_schema(postgresql_server: Path, postgresql_template: str) -> Iterator[str]:
    """The URL of a database that has our schema and holds nothing."""
    with _database(postgresql_server, postgresql_template) as url:
        yield url


@contextmanager
def _database(server: Path, template: str = "template1") -> Generator[str]:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(f"postgresql://sallyport@/postgres?host={server}", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield f"postgresql://sallyport@/{name}?host={server}"
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
