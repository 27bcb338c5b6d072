"""Operations on gateway keys and on enrollments, the ways to know a caller."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from sallyport.ids import new_id
from sallyport.store import checks
from sallyport.store.base import Operations
from sallyport.store.errors import Conflict, Forbidden, Invalid, NotFound
from sallyport.store.models import Actor, Enrollment, GatewayKey, NewKey, Page
from sallyport.store.ownership import found
from sallyport.store.paging import NEWEST, Sort, narrowed, page, sorted_page
from sallyport.store.tables import EnrollmentRow, GatewayKeyRow, UserRow, WorkspaceRow
from sallyport.vault.keys import new_gateway_key

_ENROLLMENT_VALUES = {"network": checks.network, "certificate": checks.fingerprint, "os_user": checks.text}


class CallerOperations(Operations):
    def create_key(
        self, actor: Actor, *, workspace_id: str, name: str = "key", user_id: str | None = None, expires_at: float | None = None
    ) -> NewKey:
        """Makes a gateway key; the answer is the only place where it ever stands. Raises Invalid, Forbidden."""
        with self._changing(actor, "key.create", "key") as change:
            workspace = change.session.get(WorkspaceRow, workspace_id)
            if workspace is None or not self.scope.holds(workspace_id):
                raise Invalid(f"workspace_id: there is no workspace {workspace_id!r}")
            user_id = user_id or self.scope.keys_of
            if self.scope.keys_of not in (None, user_id):
                raise Forbidden(f"user_id: a member makes keys for its own user alone, {self.scope.keys_of!r}")
            user = None if user_id is None else change.session.get(UserRow, user_id)
            if user_id is not None and (user is None or user.organization_id != workspace.organization_id):
                raise Invalid(f"user_id: there is no user {user_id!r} in the workspace's organization")
            fresh = new_gateway_key()
            row = GatewayKeyRow(
                id=new_id(),
                hash=fresh.hash,
                prefix=fresh.prefix,
                name=checks.text("name", name),
                workspace_id=workspace_id,
                user_id=user_id,
                created_at=time.time(),
                expires_at=checks.moment("expires_at", expires_at),
                revoked_at=None,
            )
            change.session.add(row)
            change.resource_id, change.workspace_id = row.id, workspace_id
            change.after = record = _key(change.session, row)
        return NewKey(record, fresh.key)

    def register_key(self, actor: Actor, workspace_id: str, hash: bytes, prefix: str) -> GatewayKey:
        """Gives a key that somebody else issued a row here, by its SHA-256. Raises NotFound (workspace), Conflict."""
        with self._changing(actor, "key.register", "key") as change:
            change.get(WorkspaceRow, workspace_id, "workspace")
            row = GatewayKeyRow(
                id=new_id(), hash=hash, prefix=prefix, name=f"{prefix}…", workspace_id=workspace_id, created_at=time.time()
            )
            change.session.add(row)
            change.session.flush()
            change.resource_id = row.id
            change.after = record = _key(change.session, row)
        return record

    def get_key_of(self, hash: bytes) -> GatewayKey:
        """The key with this SHA-256. Raises NotFound."""
        with self._reading() as session:
            row = session.scalar(select(GatewayKeyRow).where(GatewayKeyRow.hash == hash))
            if row is None:
                raise NotFound("there is no such key")
            return _key(session, row)

    def update_key(self, actor: Actor, id: str, changes: Mapping[str, object]) -> GatewayKey:
        """Changes `name` and `user_id`, whose calls with it are. Raises NotFound, Invalid, Forbidden."""
        with self._changing(actor, "key.update", "key", id) as change:
            checks.known_fields(changes, "name", "user_id")
            row = change.get(GatewayKeyRow, id, "key")
            change.was(before := _key(change.session, row))
            if "name" in changes:
                row.name = checks.text("name", changes["name"])
            if "user_id" in changes:
                row.user_id = checks.optional_text("user_id", changes["user_id"])
                user = row.user_id and change.session.get(UserRow, row.user_id)
                if row.user_id and (not user or user.organization_id != before.organization_id):
                    raise Invalid(f"user_id: there is no user {row.user_id!r} in the workspace's organization")
            change.after = record = _key(change.session, row)
        return record

    def list_keys(
        self, limit: int = 100, cursor: str | None = None, *, sort: Sort = NEWEST, **equal: str | None
    ) -> Page[GatewayKey]:
        """`equal`: workspace_id, user_id, name."""
        query = select(GatewayKeyRow).where(*self.scope.where(GatewayKeyRow.workspace_id))
        with self._reading() as session:
            query = narrowed(query, GatewayKeyRow, equal)
            return sorted_page(session, query, GatewayKeyRow, sort, limit, cursor, lambda row: _key(session, row))

    def get_key(self, id: str) -> GatewayKey:
        with self._reading() as session:
            return _key(session, self._found(session, GatewayKeyRow, id, "key"))

    def revoke_key(self, actor: Actor, id: str) -> GatewayKey:
        """Ends a key for good; a revoked one stays as it is. Raises NotFound, Forbidden."""
        with self._changing(actor, "key.revoke", "key", id) as change:
            row = change.get(GatewayKeyRow, id, "key")
            if self.scope.keys_of not in (None, row.user_id):
                raise Forbidden("id: a member revokes the keys of its own user alone")
            change.was(_key(change.session, row))
            row.revoked_at = row.revoked_at or time.time()
            change.after = record = _key(change.session, row)
        return record

    def enroll(self, actor: Actor, *, key_id: str, kind: str, value: str) -> Enrollment:
        """Who comes from `value` acts as the key `key_id`: a `network`, a client `certificate` (its SHA-256) or an `os_user`.

        Raises Invalid, and Conflict when `value` is enrolled already.
        """
        with self._changing(actor, "enrollment.create", "enrollment") as change:
            key = change.session.get(GatewayKeyRow, key_id)
            if key is None or not self.scope.holds(key.workspace_id):
                raise Invalid(f"key_id: there is no key {key_id!r}")
            kind = checks.choice("kind", kind, *_ENROLLMENT_VALUES)
            value = _ENROLLMENT_VALUES[kind]("value", value)
            there = select(EnrollmentRow).where(EnrollmentRow.kind == kind, EnrollmentRow.value == value)
            if change.session.scalar(there) is not None:
                raise Conflict(f"value: {value} is enrolled already")
            row = EnrollmentRow(id=new_id(), kind=kind, value=value, key_id=key_id, created_at=time.time())
            change.session.add(row)
            change.resource_id, change.workspace_id = row.id, key.workspace_id
            change.after = enrollment = _enrollment(row)
        return enrollment

    def list_enrollments(self, limit: int = 100, cursor: str | None = None, **equal: str | None) -> Page[Enrollment]:
        """`equal`: kind, key_id."""
        order = (EnrollmentRow.created_at, EnrollmentRow.id)
        keys = select(GatewayKeyRow.id).where(*self.scope.where(GatewayKeyRow.workspace_id))
        query = select(EnrollmentRow).where(EnrollmentRow.key_id.in_(keys))
        with self._reading() as session:
            return page(session, narrowed(query, EnrollmentRow, equal), order, limit, cursor, _enrollment)

    def remove_enrollment(self, actor: Actor, id: str) -> None:
        """Raises NotFound."""
        with self._changing(actor, "enrollment.delete", "enrollment", id) as change:
            row = change.get(EnrollmentRow, id, "enrollment")
            change.was(_enrollment(row))
            change.session.delete(row)


def _key(session: Session, row: GatewayKeyRow) -> GatewayKey:
    workspace = found(session, WorkspaceRow, row.workspace_id, "workspace")
    return GatewayKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        organization_id=workspace.organization_id,
        workspace_id=row.workspace_id,
        user_id=row.user_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


def _enrollment(row: EnrollmentRow) -> Enrollment:
    kind = cast(Literal["network", "certificate", "os_user"], row.kind)
    return Enrollment(row.id, kind, row.value, row.key_id, row.created_at)
