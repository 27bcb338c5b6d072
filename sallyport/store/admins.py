"""Operations on admin keys and on the audit log."""

from __future__ import annotations

import time
from typing import Any, BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from sallyport.ids import new_id
from sallyport.store import audit, audit_export, checks
from sallyport.store.audit_export import AuditExport
from sallyport.store.base import Operations, found
from sallyport.store.database import reading
from sallyport.store.errors import Conflict
from sallyport.store.models import Actor, AdminKey, AuditEntry, AuditVerdict, NewAdminKey, Page
from sallyport.store.paging import page
from sallyport.store.tables import AdminKeyRow, AuditRow
from sallyport.vault.keys import FreshKey, describe_admin_key, hash_key, new_admin_key, same


class AdminOperations(Operations):
    def authenticate_admin(self, key: str) -> AdminKey | None:
        """Whose admin key this is; None for an unknown, expired or revoked one."""
        hash = hash_key(key)
        with self._reading() as session:
            row = session.scalar(select(AdminKeyRow).where(AdminKeyRow.hash == hash))
            known = _admin_key(row) if row is not None and same(row.hash, hash) else None
        return known if known is not None and known.works(time.time()) else None

    def create_admin_key(self, actor: Actor, name: str = "admin", expires_at: float | None = None) -> NewAdminKey:
        """Makes an admin key; the answer is the only place where it ever stands. Raises Invalid."""
        with self._changing(actor, "admin_key.create", "admin_key", in_snapshot=False) as change:
            fresh = new_admin_key()
            row = add_admin_key(change.session, fresh, checks.text("name", name), preset=False)
            row.expires_at = checks.moment("expires_at", expires_at)
            change.resource_id = row.id
            change.after = record = _admin_key(row)
        return NewAdminKey(record, fresh.key)

    def list_admin_keys(self, limit: int = 100, cursor: str | None = None) -> Page[AdminKey]:
        with self._reading() as session:
            return page(session, select(AdminKeyRow), (AdminKeyRow.created_at, AdminKeyRow.id), limit, cursor, _admin_key)

    def get_admin_key(self, id: str) -> AdminKey:
        """Raises NotFound."""
        with self._reading() as session:
            return _admin_key(found(session, AdminKeyRow, id, "admin key"))

    def revoke_admin_key(self, actor: Actor, id: str) -> AdminKey:
        """Ends an admin key for good. Raises NotFound; Conflict for the last that does not expire: nobody could come in then."""
        with self._changing(actor, "admin_key.revoke", "admin_key", id, in_snapshot=False) as change:
            row = change.get(AdminKeyRow, id, "admin key")
            change.before = _admin_key(row)
            lasting = (AdminKeyRow.revoked_at.is_(None), AdminKeyRow.expires_at.is_(None))
            others = select(AdminKeyRow.id).where(*lasting, AdminKeyRow.id != id)
            if row.expires_at is None and change.session.scalar(others.limit(1)) is None:
                raise Conflict("id: this is the last admin key that does not expire; create another first")
            row.revoked_at = row.revoked_at or time.time()
            change.after = record = _admin_key(row)
        return record

    def list_audit(self, limit: int = 100, cursor: str | None = None, *, ascending: bool = False) -> Page[AuditEntry]:
        """`ascending`: oldest first, and the cursor goes on with what comes later, for who follows the log."""
        with self._reading() as session:
            return page(session, select(AuditRow), (AuditRow.seq,), limit, cursor, _entry, ascending=ascending)

    def verify_audit(self) -> AuditVerdict:
        """Whether the audit log is whole and unchanged, and where it is not."""
        with reading(self.engine) as connection:
            return audit.verify(connection, self.vault.audit_key())

    def export_audit(self, file: BinaryIO) -> AuditExport:
        """Writes the whole log to `file`, signed; see `audit_export`. Raises StoreError for a log that is not whole."""
        with reading(self.engine) as connection:
            return audit_export.write(connection, self.vault, file)

    def _preset_admin_key(self, actor: Actor, key: str) -> None:
        """The operator's own admin key: replaces the one preset before."""
        fresh = describe_admin_key(key)
        with self._reading() as session:
            row = session.scalar(select(AdminKeyRow).where(AdminKeyRow.hash == fresh.hash))
            if row is not None and _admin_key(row).works(time.time()):
                return
        with self._changing(actor, "admin_key.preset", "admin_key", in_snapshot=False) as change:
            now = time.time()
            for row in change.session.scalars(
                select(AdminKeyRow).where(AdminKeyRow.preset, AdminKeyRow.revoked_at.is_(None), AdminKeyRow.hash != fresh.hash)
            ):
                row.revoked_at = now
            row = change.session.scalar(select(AdminKeyRow).where(AdminKeyRow.hash == fresh.hash))
            if row is None:
                row = add_admin_key(change.session, fresh, "preset", preset=True)
            row.expires_at = row.revoked_at = None
            change.resource_id = row.id
            change.after = _admin_key(row)


def add_admin_key(session: Session, fresh: FreshKey, name: str, *, preset: bool) -> AdminKeyRow:
    row = AdminKeyRow(
        id=new_id(),
        hash=fresh.hash,
        prefix=fresh.prefix,
        name=name,
        preset=preset,
        created_at=time.time(),
        expires_at=None,
        revoked_at=None,
    )
    session.add(row)
    return row


def _admin_key(row: AdminKeyRow) -> AdminKey:
    return AdminKey(row.id, row.name, row.prefix, row.preset, row.created_at, row.expires_at, row.revoked_at)


def _entry(row: AuditRow) -> AuditEntry:
    values: dict[str, Any] = {column.name: getattr(row, column.name) for column in AuditRow.__table__.columns}
    return AuditEntry(**values)
