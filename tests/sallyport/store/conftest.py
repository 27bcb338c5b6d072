"""A store on each kind of database: SQLite in a file, and a real PostgreSQL where one is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sallyport.store.models import Actor
from sallyport.store.opening import open_store
from sallyport.store.operations import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
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
