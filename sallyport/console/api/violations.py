"""`/v1/violations`: policies that fired."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from sallyport.console.api.types import Answer, Cursor, Filter, Id, Limit, ListOf, Time
from sallyport.console.auth import require_admin
from sallyport.console.context import ConsoleDep
from sallyport.console.errors import responses
from sallyport.spend import ledger

router = APIRouter(
    prefix="/v1/violations", tags=["violations"], dependencies=[Depends(require_admin)], responses=responses(400, 401, 503)
)


class Violation(Answer):
    """One row for each policy and caller; repeats are counted."""

    id: str
    at: Time
    call_id: str = Field(description="The latest call it fired on.")
    policy_id: str
    policy_name: str = Field(examples=["Team budget"])
    policy_type: str = Field(examples=["spend_cap"])
    action: Literal["blocked", "redacted"]
    detail: str = Field(examples=["daily spend cap of $5 reached; it ends at 2026-03-02T00:00:00Z"])
    organization_id: str | None
    workspace_id: str | None
    user_id: str | None
    api_key_id: str | None
    state: str = Field(examples=["open"])
    count: int = Field(examples=[3])
    first_seen: Time
    last_seen: Time
    langsmith_run_id: str | None
    trace_url: str | None


@router.get("", response_model=ListOf[Violation])
def list_violations(
    console: ConsoleDep,
    policy_id: Filter = None,
    workspace_id: Filter = None,
    state: Filter = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Violations, latest first."""
    page = ledger.list_violations(
        console.store.engine, policy_id=policy_id, workspace_id=workspace_id, state=state, limit=limit, cursor=cursor
    )
    return {"items": [ledger.violation_json(row) for row in page.items], "next_cursor": page.next_cursor}


@router.get("/{id}", response_model=Violation, responses=responses(404))
def get_violation(console: ConsoleDep, id: Id) -> dict[str, Any]:
    """One violation."""
    return ledger.violation_json(ledger.get_violation(console.store.engine, id))
