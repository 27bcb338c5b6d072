"""Changes the master key: every data key is wrapped anew and the audit log's head signed anew, in one transaction."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from sallyport.store import meta
from sallyport.store.alert_tables import WebhookRow
from sallyport.store.audit import Head
from sallyport.store.base import Operations
from sallyport.store.errors import StoreError
from sallyport.store.models import Actor
from sallyport.store.tables import WorkspaceRow
from sallyport.vault.envelope import KEY_BYTES, Vault
from sallyport.vault.errors import VaultError
from sallyport.vault.master_key import load_master_key, write_key_file

if TYPE_CHECKING:
    from sqlalchemy import Connection


class RotationOperations(Operations):
    def rotate_master_key(self, actor: Actor, new: Vault) -> None:
        """From here on only the master key of `new` fits; processes that hold the old one must be started again.

        Raises StoreError when a data key can't be unwrapped; nothing is then changed.
        """
        old = self.vault
        try:
            with self._changing(actor, "master_key.rotate", "master_key") as change:
                _rewrap(change.session.connection(), old, new)
                self.vault = new  # signs this operation's own audit row
        except BaseException:
            self.vault = old
            raise

    def rotate_key_file(self, actor: Actor, path: Path) -> None:
        """Rotates to a new key in the file `path`. Cut short at any point, the next start finds the key that fits.

        Raises StoreError.
        """
        staged = staged_key_file(path)
        try:
            write_key_file(staged, os.urandom(KEY_BYTES))
            self.rotate_master_key(actor, Vault(load_master_key(staged, {}, create=False)))
            staged.replace(path)
        except VaultError as error:
            raise StoreError(str(error)) from None
        except OSError as error:
            raise StoreError(f"the master key file {path} can't be written: {error.strerror}") from None


def staged_key_file(path: Path) -> Path:
    """Where the new key lies while the database goes over to it."""
    return path.with_name(f"{path.name}.new")


def _rewrap(connection: Connection, old: Vault, new: Vault) -> None:
    for table, kind in ((WorkspaceRow, "workspace"), (WebhookRow, "webhook")):
        for row in connection.execute(select(table.id, table.data_key)).all():
            try:
                wrapped = old.rewrap(row.id, row.data_key, new)
            except VaultError as error:
                raise StoreError(f"{kind} {row.id}: {error}; the master key stays as it is") from None
            connection.execute(update(table).where(table.id == row.id).values(data_key=wrapped))
    head = Head.verify(meta.read(connection, meta.AUDIT_HEAD), old.audit_key())
    if head is not None:  # one that was tampered with must not become good again
        meta.write(connection, meta.AUDIT_HEAD, head.sign(new.audit_key()))
    meta.write(connection, meta.MASTER_KEY_CHECK, new.check_value())
