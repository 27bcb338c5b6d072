"""Operations on organizations, workspaces and users."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from sallyport.ids import new_id
from sallyport.store import checks, fallbacks
from sallyport.store.base import Operations
from sallyport.store.errors import Conflict, Forbidden
from sallyport.store.models import Actor, Organization, Page, User, Workspace
from sallyport.store.ownership import users_in
from sallyport.store.paging import NEWEST, Sort, narrowed, page, sorted_page
from sallyport.store.tables import OrganizationRow, UserRow, WorkspaceRow

DEFAULT = "default"
"""Id and name of the organization and of the workspace that a fresh install has."""

_WORKSPACE_FIELDS: Mapping[str, Callable[[str, object], Any]] = {
    "name": checks.text,
    "credentials": lambda field, value: checks.choice(field, value, "replace", "passthrough"),
    "trace_content": lambda field, value: checks.choice(field, value, "none", "redacted"),
    "langsmith_endpoint": checks.url,
    "langsmith_project": checks.optional_text,
    "langsmith_callers": checks.optional_text,
    "fallbacks": fallbacks.checked,
}
_USER_FIELDS: Mapping[str, Callable[[str, object], Any]] = {"name": checks.text, "email": checks.email}


class TenantOperations(Operations):
    def get_organization(self, id: str) -> Organization:
        with self._reading() as session:
            return _organization(self._found(session, OrganizationRow, id, "organization"))

    def list_organizations(self, limit: int = 100, cursor: str | None = None) -> Page[Organization]:
        order = (OrganizationRow.created_at, OrganizationRow.id)
        with self._reading() as session:
            return page(session, select(OrganizationRow), order, limit, cursor, _organization)

    def create_workspace(self, actor: Actor, fields: Mapping[str, object], organization_id: str = DEFAULT) -> Workspace:
        """`fields`: name and, optionally, credentials, trace_content, langsmith_endpoint, langsmith_project, langsmith_callers,
        fallbacks.

        Raises Invalid, NotFound (organization), Conflict (a workspace of that name is there).
        """
        with self._changing(actor, "workspace.create", "workspace") as change:
            change.get(OrganizationRow, organization_id, "organization")
            row = new_workspace(self, organization_id, new_id(), fields)
            _unique_workspace(change.session, row)
            change.session.add(row)
            change.session.flush()
            change.resource_id = row.id
            change.after = workspace = _workspace(row)
        return workspace

    def list_workspaces(
        self, limit: int = 100, cursor: str | None = None, *, sort: Sort = NEWEST, name: str | None = None
    ) -> Page[Workspace]:
        with self._reading() as session:
            query = select(WorkspaceRow).where(*self.scope.where(WorkspaceRow.id))
            query = narrowed(query, WorkspaceRow, {"name": name})
            return sorted_page(session, query, WorkspaceRow, sort, limit, cursor, _workspace)

    def get_workspace(self, id: str) -> Workspace:
        with self._reading() as session:
            return _workspace(self._found(session, WorkspaceRow, id, "workspace"))

    def update_workspace(self, actor: Actor, id: str, changes: Mapping[str, object]) -> Workspace:
        """Changes the fields named, leaves the others. Raises NotFound, Invalid, Conflict."""
        with self._changing(actor, "workspace.update", "workspace", id) as change:
            row = change.get(WorkspaceRow, id, "workspace")
            change.was(_workspace(row))
            if self.scope.workspaces is not None and changes.keys() & _asked_with_keys(row):
                raise Forbidden("langsmith_callers, and where those keys are checked, is for the organization to say")
            for field, value in _checked(changes, _WORKSPACE_FIELDS).items():
                setattr(row, field, value)
            row.updated_at = time.time()
            _unique_workspace(change.session, row)
            change.after = workspace = _workspace(row)
        return workspace

    def create_user(self, actor: Actor, fields: Mapping[str, object], organization_id: str = DEFAULT) -> User:
        """`fields`: name and, optionally, email. Raises Invalid, NotFound (organization), Conflict (equal e-mail address)."""
        with self._changing(actor, "user.create", "user") as change:
            change.get(OrganizationRow, organization_id, "organization")
            values = _checked({"name": None, "email": None, **fields}, _USER_FIELDS)
            now = time.time()
            row = UserRow(id=new_id(), organization_id=organization_id, created_at=now, updated_at=now, **values)
            _unique_user(change.session, row)
            change.session.add(row)
            change.resource_id = row.id
            change.after = user = _user(row)
        return user

    def list_users(self, limit: int = 100, cursor: str | None = None, *, sort: Sort = NEWEST, **equal: str | None) -> Page[User]:
        """Within a scope: those who hold a key there. `equal`: name, email."""
        query = select(UserRow) if self.scope.workspaces is None else select(UserRow).where(users_in(self.scope))
        with self._reading() as session:
            return sorted_page(session, narrowed(query, UserRow, equal), UserRow, sort, limit, cursor, _user)

    def get_user(self, id: str) -> User:
        with self._reading() as session:
            return _user(self._found(session, UserRow, id, "user"))

    def update_user(self, actor: Actor, id: str, changes: Mapping[str, object]) -> User:
        """Changes the fields named, leaves the others. Raises NotFound, Invalid, Conflict."""
        with self._changing(actor, "user.update", "user", id) as change:
            row = change.get(UserRow, id, "user")
            change.was(_user(row))
            for field, value in _checked(changes, _USER_FIELDS).items():
                setattr(row, field, value)
            row.updated_at = time.time()
            _unique_user(change.session, row)
            change.after = user = _user(row)
        return user


def _asked_with_keys(row: WorkspaceRow) -> set[str]:
    """The settings that decide who gets to see LangSmith keys which callers send."""
    return {"langsmith_callers"} | ({"langsmith_endpoint"} if row.langsmith_callers else set())


def new_workspace(operations: Operations, organization_id: str, id: str, fields: Mapping[str, object]) -> WorkspaceRow:
    """A workspace with a data key of its own, not yet in a session."""
    defaults: dict[str, object] = {
        "name": None,
        "credentials": "replace",
        "trace_content": "none",
        "langsmith_endpoint": None,
        "langsmith_project": None,
        "langsmith_callers": None,
        "fallbacks": [],
    }
    values = _checked({**defaults, **fields}, _WORKSPACE_FIELDS)
    data_key = operations.vault.new_data_key(id)
    now = time.time()
    return WorkspaceRow(id=id, organization_id=organization_id, data_key=data_key, created_at=now, updated_at=now, **values)


def _checked(fields: Mapping[str, object], known: Mapping[str, Callable[[str, object], Any]]) -> dict[str, Any]:
    checks.known_fields(fields, *known)
    return {field: known[field](field, value) for field, value in fields.items()}


def _unique_workspace(session: Session, row: WorkspaceRow) -> None:
    same = select(WorkspaceRow.id).where(
        WorkspaceRow.organization_id == row.organization_id, WorkspaceRow.name == row.name, WorkspaceRow.id != row.id
    )
    with session.no_autoflush:
        if session.scalar(same) is not None:
            raise Conflict(f"name: there is a workspace {row.name!r} already")


def _unique_user(session: Session, row: UserRow) -> None:
    same = select(UserRow.id).where(
        UserRow.organization_id == row.organization_id, UserRow.email == row.email, UserRow.id != row.id
    )
    with session.no_autoflush:
        if row.email is not None and session.scalar(same) is not None:
            raise Conflict(f"email: there is a user with {row.email!r} already")


def _organization(row: OrganizationRow) -> Organization:
    return Organization(row.id, row.name, row.created_at)


def _workspace(row: WorkspaceRow) -> Workspace:
    return Workspace(
        id=row.id,
        name=row.name,
        organization_id=row.organization_id,
        credentials=cast(Literal["replace", "passthrough"], row.credentials),
        trace_content=cast(Literal["none", "redacted"], row.trace_content),
        langsmith_endpoint=row.langsmith_endpoint,
        langsmith_project=row.langsmith_project,
        langsmith_callers=row.langsmith_callers,
        fallbacks=row.fallbacks,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _user(row: UserRow) -> User:
    return User(row.id, row.organization_id, row.name, row.email, row.created_at, row.updated_at)
