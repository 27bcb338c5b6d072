"""Changes the master key: every data key is wrapped anew and the audit log's head signed anew, in one transaction."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import select, update

from sallyport.store import meta
from sallyport.store.audit import Head
from sallyport.store.base import Operations
from sallyport.store.errors import StoreError
from sallyport.store.models import Actor
from sallyport.store.tables import WorkspaceRow
from sallyport.vault.envelope import KEY_BYTES, Vault
from sallyport.vault.errors import VaultError
from sallyport.vault.master_key import write_key_file


class RotationOperations(Operations):
    def rotate_master_key(self, actor: Actor, new: Vault) -> None:
        """From here on only the master key of `new` fits. Raises StoreError when a data key can't be unwrapped; nothing is then changed."""
        with self._changing(actor, "master_key.rotate", "master_key") as change:
            connection = change.session.connection()
            for row in connection.execute(select(WorkspaceRow.id, WorkspaceRow.data_key)).all():
                try:
                    wrapped = self.vault.rewrap(row.id, row.data_key, new)
                except VaultError as error:
                    raise StoreError(f"workspace {row.id}: {error}; the master key stays as it is") from None
                connection.execute(update(WorkspaceRow).where(WorkspaceRow.id == row.id).values(data_key=wrapped))
            head = Head.verify(meta.read(connection, meta.AUDIT_HEAD), self.vault.audit_key())
            if head is not None:  # a head that was tampered with must not become good again
                meta.write(connection, meta.AUDIT_HEAD, head.sign(new.audit_key()))
            meta.write(connection, meta.MASTER_KEY_CHECK, new.check_value())
            self.vault = new  # signs this operation's own audit row
