"""Opens the store: the database, and the vault whose master key must be the one that the database was made with."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import Engine

from sallyport.store import meta
from sallyport.store.audit import EMPTY
from sallyport.store.database import locked, open_database, reading
from sallyport.store.errors import StoreError
from sallyport.store.operations import Store
from sallyport.store.rotation import staged_key_file
from sallyport.vault.envelope import Vault
from sallyport.vault.errors import VaultError
from sallyport.vault.master_key import load_master_key


def open_store(
    database: str | Path,
    master_key_file: Path,
    environ: Mapping[str, str] | None = None,
    *,
    create: bool = True,
    on_change: Callable[[], None] | None = None,
) -> Store:
    """The store on `database` (a path or URL). With `create`, what is missing is made: database, schema, master key.

    Raises StoreError when the database or the master key can't be used; nothing is then overwritten.
    """
    engine = open_database(database, migrate=create)
    try:
        vault = _unlock(engine, master_key_file, environ, create=create)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, vault, on_change)


def _unlock(engine: Engine, master_key_file: Path, environ: Mapping[str, str] | None, *, create: bool) -> Vault:
    with reading(engine) as connection:
        check = meta.read(connection, meta.MASTER_KEY_CHECK)
    try:
        vault = Vault(load_master_key(master_key_file, environ, create=create and check is None))
    except VaultError as error:
        raise StoreError(str(error)) from None
    if check is None:
        check = _claim(engine, vault)
    if not _fits(check, vault) and (staged := _finish_rotation(check, master_key_file)) is not None:
        vault = staged
    if not _fits(check, vault):
        raise StoreError(
            "the master key does not fit this database: start with the key that it was made with "
            "(SALLYPORT_MASTER_KEY, SALLYPORT_MASTER_KEY_FILE or the master.key file beside it); nothing was changed"
        )
    return vault


def _fits(check: str, vault: Vault) -> bool:
    return hmac.compare_digest(check, vault.check_value())


def _finish_rotation(check: str, master_key_file: Path) -> Vault | None:
    """A rotation may have been cut short after its commit: its key then lies beside the old one, and is put in its place."""
    staged = staged_key_file(master_key_file)
    if not staged.exists():
        return None
    try:
        vault = Vault(load_master_key(staged, {}, create=False))
    except VaultError:
        return None
    if _fits(check, vault):
        staged.replace(master_key_file)
    return vault


def _claim(engine: Engine, vault: Vault) -> str:
    """Ties a new database to the master key, unless another process did so meanwhile; the check value that holds."""
    with locked(engine) as connection:
        check = meta.read(connection, meta.MASTER_KEY_CHECK)
        if check is None:
            check = vault.check_value()
            meta.write(connection, meta.MASTER_KEY_CHECK, check)
            meta.write(connection, meta.AUDIT_HEAD, EMPTY.sign(vault.audit_key()))
            meta.write(connection, meta.SNAPSHOT_VERSION, "0")
    return check
