"""Whose a row is. Every operation finds rows through `found`, so that nobody gets at what lies outside of their scope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from policies.model import Matcher
from sallyport.store.errors import NotFound
from sallyport.store.roles import EVERYTHING, Scope
from sallyport.store.tables import Base, EnrollmentRow, GatewayKeyRow, UserRow, WorkspaceRow


def found[R: Base](session: Session, kind: type[R], id: str, name: str, scope: Scope = EVERYTHING) -> R:
    """The row. Raises NotFound (`there is no workspace …`), for one outside of `scope` too: it tells nobody what there is."""
    row = session.get(kind, id)
    if row is None or not _visible(session, row, scope):
        raise NotFound(f"there is no {name} {id!r}")
    return row


def owner(session: Session, row: Base) -> str | None:
    """The workspace that a row is of; None: it is the organization's."""
    match row:
        case WorkspaceRow():
            return row.id
        case EnrollmentRow():
            key = session.get(GatewayKeyRow, row.key_id)
            return key and key.workspace_id
        case _:
            return getattr(row, "workspace_id", None)


def workspace_of(session: Session, matchers: Iterable[Matcher]) -> str | None:
    """The one workspace that a policy with these matchers can hold in; None: it may hold in several."""
    values: dict[str, set[str]] = {}
    for matcher in matchers:
        values.setdefault(matcher.key, set()).add(matcher.value)
    workspaces: set[Any] = values.get("workspace_id", set())
    if not workspaces and "" not in (keys := values.get("api_key_id", set())):
        workspaces = {owner(session, row) for id in keys if (row := session.get(GatewayKeyRow, id))}
    return workspaces.pop() or None if len(workspaces) == 1 else None


def _visible(session: Session, row: Base, scope: Scope) -> bool:
    if isinstance(row, UserRow) and scope.workspaces is not None:
        return session.scalar(select(UserRow.id).where(UserRow.id == row.id, users_in(scope))) is not None
    return scope.holds(owner(session, row))


def users_in(scope: Scope) -> Any:
    """The condition that a user holds a key in one of the scope's workspaces."""
    return select(GatewayKeyRow.id).where(GatewayKeyRow.user_id == UserRow.id, *scope.where(GatewayKeyRow.workspace_id)).exists()
