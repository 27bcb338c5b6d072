"""`/v1/audit-logs`: who changed what, and who called, in a chain that shows tampering."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Cursor, Filter, Limit, ListOf, Time, TimeIn, seconds
from sallyport.console.auth import AuditReader, OrganizationReader
from sallyport.console.errors import responses
from sallyport.store.models import AuditEntry, AuditVerdict, Page
from sallyport.store.ocsf import change_event, invocation_event

router = APIRouter(prefix="/v1/audit-logs", tags=["audit"], responses=responses(400, 401, 403, 503), route_class=ApiRoute)


class AuditRow(Answer):
    seq: int = Field(examples=[17])
    at: Time
    actor: str = Field(examples=["admin-key:spa_7Qk2Zb"])
    source_ip: str | None = Field(examples=["127.0.0.1"])
    operation: str = Field(examples=["policy.update"])
    resource_type: str = Field(examples=["policy"])
    resource_id: str | None
    before: dict[str, Any] | None = Field(description="What it was; secrets are masked.")
    after: dict[str, Any] | None
    success: bool
    prev_hash: str
    hash: str = Field(description="SHA-256 over this row and the hash of the row before.")


class Verdict(Answer):
    ok: bool
    rows: int = Field(examples=[17])
    broken_at: int | None = Field(description="The first row that is changed, out of place or missing.", examples=[None])


@router.get("", response_model=ListOf[AuditRow])
def list_audit(
    admin: AuditReader,
    order: Annotated[Literal["desc", "asc"], Query(description="Newest or oldest first.")] = "desc",
    actor: Filter = None,
    operation: Filter = None,
    resource_type: Filter = None,
    resource_id: Filter = None,
    success: bool | None = None,
    from_: Annotated[TimeIn | None, Query(alias="from", description="At this time or later.")] = None,
    to: Annotated[TimeIn | None, Query(description="Before this time.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[AuditEntry]:
    """Admin operations, refused ones too.

    To follow the log (a SIEM), read with `order=asc` and go on at `next_cursor`: it is then always there, and later answers
    with what has come since.
    """
    return admin.store.list_audit(
        limit,
        cursor,
        ascending=order == "asc",
        start=seconds(from_),
        end=seconds(to),
        actor=actor,
        operation=operation,
        resource_type=resource_type,
        resource_id=resource_id,
        success=success,
    )


class EventOut(Answer):
    """An event of the Open Cybersecurity Schema Framework 1.3, class API Activity."""

    model_config = ConfigDict(extra="allow")
    class_uid: int = Field(examples=[6003])
    time: int = Field(description="Milliseconds since 1970.", examples=[1772323200000])


@router.get("/events", response_model=ListOf[EventOut])
def list_events(
    admin: AuditReader,
    of: Annotated[Literal["changes", "invocations"], Query(description="Admin operations, or calls.")] = "changes",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """For a SIEM: admin operations, or every call with its caller and the policies that it was judged by, as OCSF events.

    Oldest first; go on at `next_cursor`, which is always there. Calls come in the order they were recorded, some 10 seconds late.
    """
    if of == "invocations":
        calls = admin.store.list_invocations(limit, cursor)
        return {"items": [invocation_event(call) for call in calls.items], "next_cursor": calls.next_cursor}
    changes = admin.store.list_audit(limit, cursor, ascending=True)
    return {"items": [change_event(entry) for entry in changes.items], "next_cursor": changes.next_cursor}


@router.get("/verify", response_model=Verdict)
def verify_audit(
    admin: OrganizationReader,
    invocations: Annotated[bool, Query(description="Also whether the calls are those that were sealed; reads them all.")] = False,
) -> AuditVerdict:
    """Walks the whole chain. Notices changed, reordered and deleted rows, the newest too."""
    return admin.store.verify_audit(invocations=invocations)
