"""`/v1/violations`: policies that fired."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import Field

from policies.advice import advice
from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Body, Cursor, Filter, Id, Limit, ListOf, Time
from sallyport.console.auth import Admin, Manager, Reader
from sallyport.console.errors import responses
from sallyport.spend import ledger
from sallyport.store.models import Comment, TriageState
from sallyport.store.triage import triage_of

router = APIRouter(prefix="/v1/violations", tags=["violations"], responses=responses(400, 401, 403, 503), route_class=ApiRoute)


class Violation(Answer):
    """One row for each policy and caller; repeats are counted until it is resolved."""

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
    state: TriageState
    assignee: str | None = Field(description="Who looks after it.", examples=["ada@corp.example"])
    count: int = Field(examples=[3])
    first_seen: Time
    last_seen: Time
    langsmith_run_id: str | None
    trace_url: str | None


class CommentOut(Answer):
    id: str
    violation_id: str
    at: Time
    author: str = Field(examples=["admin-key:spa_7Qk2Zb"])
    text: str = Field(examples=["Asked the team; the nightly job had lost its cache."])


class ViolationDetail(Violation):
    next_step: str = Field(description="What an admin can do about it.")
    comments: list[CommentOut] = Field(description="Oldest first.")


class TriageIn(Body):
    """What is left out stays as it is."""

    state: TriageState | None = Field(None, examples=["acknowledged"])
    assignee: str | None = Field(None, description="Who looks after it; null: nobody.", examples=["ada@corp.example"])


class CommentIn(Body):
    text: str = Field(description="At most 4,000 characters.", examples=["Asked the team."])


@router.get("", response_model=ListOf[Violation])
def list_violations(
    admin: Reader,
    policy_id: Filter = None,
    workspace_id: Filter = None,
    user_id: Filter = None,
    api_key_id: Filter = None,
    policy_type: Filter = None,
    action: Literal["blocked", "redacted"] | None = None,
    state: TriageState | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Violations, latest first."""
    page = ledger.list_violations(
        admin.store.engine,
        policy_id=policy_id,
        workspace_id=workspace_id,
        user_id=user_id,
        api_key_id=api_key_id,
        policy_type=policy_type,
        action=action,
        state=state,
        limit=limit,
        cursor=cursor,
        scope=admin.scope,
    )
    return {"items": [ledger.violation_json(row) for row in page.items], "next_cursor": page.next_cursor}


@router.get("/{id}", response_model=ViolationDetail, responses=responses(404))
def get_violation(admin: Reader, id: Id) -> dict[str, Any]:
    """One violation, its comments and what to do next."""
    return _detail(admin, id)


@router.patch("/{id}", response_model=ViolationDetail, responses=responses(404, 409))
def triage_violation(admin: Manager, id: Id, body: TriageIn) -> dict[str, Any]:
    """Acknowledges, resolves or assigns it. When the policy fires again after it was resolved, that is a new violation."""
    admin.store.triage_violation(admin, id, body.model_dump(exclude_unset=True))
    return _detail(admin, id)


@router.post("/{id}/comments", status_code=201, response_model=CommentOut, responses=responses(404))
def comment_violation(admin: Manager, id: Id, body: CommentIn) -> Comment:
    """Adds a comment. Comments stay as they are written."""
    return admin.store.comment_violation(admin, id, body.text)


def _detail(admin: Admin, id: str) -> dict[str, Any]:
    row = ledger.get_violation(admin.store.engine, id, admin.scope)
    admin.shows(triage_of(row))
    return {
        **ledger.violation_json(row),
        "next_step": advice(row.policy_type, row.action),
        "comments": admin.store.list_comments(id),
    }
