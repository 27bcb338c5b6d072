"""`/v1/audit-logs`: who changed what, in a chain that shows tampering."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Cursor, Filter, Limit, ListOf, Time, TimeIn, seconds
from sallyport.console.auth import AuditReader, OrganizationReader
from sallyport.console.errors import responses
from sallyport.store.models import AuditEntry, AuditVerdict, Page

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


@router.get("/verify", response_model=Verdict)
def verify_audit(admin: OrganizationReader) -> AuditVerdict:
    """Walks the whole chain. Notices changed, reordered and deleted rows, the newest too."""
    return admin.store.verify_audit()
