"""A real PostgreSQL for tests, where one is installed; skipped with the reason elsewhere."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

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
