"""Spend is counted in one place: a gateway with a Redis of its own is alone on its database.

Two that share a PostgreSQL but not their counters would each let its callers spend all of a cap.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, func, select, text

from sallyport.store.errors import StoreError

_LOCK = 0x53414C4C59504F
"""An advisory lock's number, the same in every version."""
_NOTICED = {"tcp_keepalives_idle": 20, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
"""PostgreSQL sees within a minute that a machine is gone, and lets its claim go."""


def claim(engine: Engine, *, alone: bool) -> Connection | None:
    """Held until the connection is closed. `alone`: no other gateway may count on this database; else none that is alone may.

    None: SQLite is one machine's. Raises StoreError.
    """
    if engine.dialect.name == "sqlite":
        return None
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    for name, value in _NOTICED.items():
        connection.execute(text(f"SET {name} = {value}"))
    lock = func.pg_try_advisory_lock if alone else func.pg_try_advisory_lock_shared
    if not connection.scalar(select(lock(_LOCK))):
        connection.close()
        raise StoreError(
            "another gateway uses this database and counts spend in another Redis: each would let a cap be spent in full; "
            "give all of them the same --redis-url, or end the other (one whose machine is gone is forgotten in a minute)"
        )
    return connection
