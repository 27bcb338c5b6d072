"""Operations on admin keys and on the audit log."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any, BinaryIO, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from sallyport.ids import new_id
from sallyport.store import audit, audit_export, checks
from sallyport.store.audit_export import AuditExport
from sallyport.store.base import Operations
from sallyport.store.database import reading
from sallyport.store.errors import Conflict, Invalid
from sallyport.store.models import Actor, AdminKey, AuditEntry, AuditVerdict, NewAdminKey, Page
from sallyport.store.paging import narrowed, page
from sallyport.store.roles import IN_WORKSPACES, ROLES, Role
from sallyport.store.tables import AdminKeyRow, AuditRow, UserRow, WorkspaceRow
from sallyport.vault.keys import FreshKey, describe_admin_key, hash_key, new_admin_key, same


class AdminOperations(Operations):
    def authenticate_admin(self, key: str) -> AdminKey | None:
        """Whose admin key this is; None for an unknown, expired or revoked one."""
        hash = hash_key(key)
        with self._reading() as session:
            row = session.scalar(select(AdminKeyRow).where(AdminKeyRow.hash == hash))
            known = _admin_key(row) if row is not None and same(row.hash, hash) else None
        return known if known is not None and known.works(time.time()) else None

    def create_admin_key(
        self,
        actor: Actor,
        name: str = "admin",
        expires_at: float | None = None,
        *,
        role: Role = "organization_admin",
        workspaces: Collection[str] | None = None,
        user_id: str | None = None,
    ) -> NewAdminKey:
        """Makes an admin key; the answer is the only place where it ever stands. Raises Invalid.

        `workspaces`: the ids of those in which the role holds; workspace admins and members need at least one.
        """
        with self._changing(actor, "admin_key.create", "admin_key", in_snapshot=False) as change:
            fresh = new_admin_key()
            row = add_admin_key(change.session, fresh, checks.text("name", name), preset=False)
            row.expires_at = checks.moment("expires_at", expires_at)
            row.role = checks.choice("role", role, *ROLES)
            row.workspaces = _workspaces(change.session, role, sorted(set(workspaces or ())))
            if user_id is not None and change.session.get(UserRow, user_id) is None:
                raise Invalid(f"user_id: there is no user {user_id!r}")
            row.user_id = user_id
            change.resource_id = row.id
            change.after = record = _admin_key(row)
        return NewAdminKey(record, fresh.key)

    def list_admin_keys(self, limit: int = 100, cursor: str | None = None) -> Page[AdminKey]:
        with self._reading() as session:
            return page(session, select(AdminKeyRow), (AdminKeyRow.created_at, AdminKeyRow.id), limit, cursor, _admin_key)

    def get_admin_key(self, id: str) -> AdminKey:
        """Raises NotFound."""
        with self._reading() as session:
            return _admin_key(self._found(session, AdminKeyRow, id, "admin key"))

    def revoke_admin_key(self, actor: Actor, id: str) -> AdminKey:
        """Ends an admin key for good. Raises NotFound; Conflict for the last organization admin's that does not expire: nobody
        could let others in then.
        """
        with self._changing(actor, "admin_key.revoke", "admin_key", id, in_snapshot=False) as change:
            row = change.get(AdminKeyRow, id, "admin key")
            change.was(_admin_key(row))
            lasting = (AdminKeyRow.revoked_at.is_(None), AdminKeyRow.expires_at.is_(None))
            others = select(AdminKeyRow.id).where(*lasting, AdminKeyRow.role == "organization_admin", AdminKeyRow.id != id)
            if row.role == "organization_admin" and row.expires_at is None and change.session.scalar(others.limit(1)) is None:
                raise Conflict("id: this is the last admin key that does not expire and may manage all; create another first")
            row.revoked_at = row.revoked_at or time.time()
            change.after = record = _admin_key(row)
        return record

    def list_audit(
        self,
        limit: int = 100,
        cursor: str | None = None,
        *,
        ascending: bool = False,
        start: float | None = None,
        end: float | None = None,
        **equal: str | bool | None,
    ) -> Page[AuditEntry]:
        """`ascending`: oldest first, and the cursor goes on with what comes later, for who follows the log.

        `start` (included) and `end` (not): UTC seconds. `equal`: actor, operation, resource_type, resource_id, success.
        """
        with self._reading() as session:
            query = narrowed(select(AuditRow).where(*self.scope.where(AuditRow.workspace_id)), AuditRow, equal)
            if start is not None:
                query = query.where(AuditRow.at >= start)
            if end is not None:
                query = query.where(AuditRow.at < end)
            return page(session, query, (AuditRow.seq,), limit, cursor, _entry, ascending=ascending)

    def verify_chain(self) -> AuditVerdict:
        """Whether each row of the audit log fits the one before it, and where it does not."""
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
        role="organization_admin",
        created_at=time.time(),
        expires_at=None,
        revoked_at=None,
    )
    session.add(row)
    return row


def _admin_key(row: AdminKeyRow) -> AdminKey:
    return AdminKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        preset=row.preset,
        role=cast(Role, row.role),
        workspaces=row.workspaces,
        user_id=row.user_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def _workspaces(session: Session, role: Role, ids: list[str]) -> list[str] | None:
    """What is stored of the workspaces named for a role. Raises Invalid."""
    if role not in IN_WORKSPACES:
        if ids:
            raise Invalid(f"workspaces: {role} holds in all of them; name none")
        return None
    if not ids:
        raise Invalid(f"workspaces: name those in which {role} is to hold")
    for id in ids:
        if session.get(WorkspaceRow, id) is None:
            raise Invalid(f"workspaces: there is no workspace {id!r}")
    return ids


def _entry(row: AuditRow) -> AuditEntry:
    values: dict[str, Any] = {column.name: getattr(row, column.name) for column in AuditRow.__table__.columns}
    return AuditEntry(**values)
