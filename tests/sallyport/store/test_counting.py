"""Two gateways with counters of their own on one database: the second does not start."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine

from sallyport.store.counting import claim
from sallyport.store.database import open_database
from sallyport.store.errors import StoreError


def test_who_counts_in_a_redis_of_its_own_is_alone(postgresql: str) -> None:
    engine = open_database(postgresql)
    for first, second in ((True, True), (True, False), (False, True)):
        held = claim(engine, alone=first)
        assert held is not None
        with pytest.raises(StoreError, match="give all of them the same --redis-url"):
            claim(engine, alone=second)
        held.close()
        engine.dispose()
    shared = [claim(engine, alone=False) for _ in range(3)]
    assert None not in shared
    for connection in shared:
        assert connection is not None
        connection.close()
    engine.dispose()


def test_sqlite_is_one_machines(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'gateway.db'}")
    assert [claim(engine, alone=True), claim(engine, alone=True)] == [None, None]
    engine.dispose()
