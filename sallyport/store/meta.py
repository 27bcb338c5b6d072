"""The `meta` table: facts about the database itself."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from sallyport.store.errors import StoreError
from sallyport.store.tables import MetaRow

MASTER_KEY_CHECK = "master_key_check"
AUDIT_HEAD = "audit_head"
SNAPSHOT_VERSION = "snapshot_version"


def read(connection: Connection, key: str, *, lock: bool = False) -> str | None:
    """The value, or None. `lock` keeps other writers out until the transaction ends (SQLite has one writer anyway)."""
    query = select(MetaRow.value).where(MetaRow.key == key)
    return connection.scalar(query.with_for_update() if lock else query)


def check_master_key(connection: Connection, check_value: str) -> None:
    """Raises StoreError when the database is another master key's by now."""
    if read(connection, MASTER_KEY_CHECK) != check_value:
        raise StoreError("the master key was changed since this process started; start it again")


def write(connection: Connection, key: str, value: str) -> None:
    changed = connection.execute(update(MetaRow).where(MetaRow.key == key).values(value=value))
    if changed.rowcount == 0:
        connection.execute(insert(MetaRow).values(key=key, value=value))


def bump_snapshot_version(connection: Connection) -> None:
    write(connection, SNAPSHOT_VERSION, str(int(read(connection, SNAPSHOT_VERSION) or 0) + 1))
