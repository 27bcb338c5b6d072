"""Reading violations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from sallyport.spend.ledger.calls import iso
from sallyport.store.call_tables import ViolationRow
from sallyport.store.database import reading
from sallyport.store.models import Page
from sallyport.store.ownership import found
from sallyport.store.paging import narrowed, page
from sallyport.store.roles import EVERYTHING, Scope


def list_violations(
    engine: Engine,
    *,
    limit: int = 100,
    cursor: str | None = None,
    scope: Scope = EVERYTHING,
    **equal: str | None,
) -> Page[ViolationRow]:
    """Latest first. `equal`: policy_id, policy_type, workspace_id, user_id, api_key_id, action, state. Raises Invalid."""
    query = select(ViolationRow).where(*scope.where(ViolationRow.workspace_id))
    query = narrowed(query, ViolationRow, equal)
    with reading(engine) as connection, Session(connection) as session:
        return page(session, query, (ViolationRow.at, ViolationRow.id), limit, cursor, lambda row: row)


def get_violation(engine: Engine, violation_id: str, scope: Scope = EVERYTHING) -> ViolationRow:
    """Raises NotFound."""
    with reading(engine) as connection, Session(connection) as session:
        return found(session, ViolationRow, violation_id, "violation", scope)


def violation_json(row: ViolationRow) -> dict[str, Any]:
    """A violation as the admin API shows it."""
    return {
        "id": row.id,
        "at": iso(row.at),
        "call_id": row.call_id,
        "policy_id": row.policy_id,
        "policy_name": row.policy_name,
        "policy_type": row.policy_type,
        "action": row.action,
        "detail": row.detail,
        "organization_id": row.organization_id,
        "workspace_id": row.workspace_id,
        "user_id": row.user_id,
        "api_key_id": row.api_key_id,
        "state": row.state,
        "assignee": row.assignee,
        "count": row.count,
        "first_seen": iso(row.first_seen),
        "last_seen": iso(row.last_seen),
        "langsmith_run_id": row.langsmith_run_id,
        "trace_url": row.trace_url,
    }
