"""`/v1/enrollments`: callers who can send no key, known by network, client certificate or local user."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Body, Cursor, Filter, Id, Limit, ListOf, Time
from sallyport.console.auth import OrganizationManager, Reader
from sallyport.console.errors import responses
from sallyport.store.models import Enrollment, Page

router = APIRouter(prefix="/v1/enrollments", tags=["enrollments"], responses=responses(400, 401, 403, 503), route_class=ApiRoute)

Kind = Literal["network", "certificate", "os_user"]


class EnrollmentOut(Answer):
    id: str = Field(examples=["01934b1c-7f2a-7c3e-9d52-0a4f6f1f8f11"])
    kind: Kind
    value: str = Field(examples=["10.1.0.0/16"])
    key_id: str
    created_at: Time


class EnrollmentIn(Body):
    kind: Kind = Field(examples=["network"])
    value: str = Field(
        description="A CIDR network; the SHA-256 of a client certificate in hexadecimal; a user of the gateway's machine.",
        examples=["10.1.0.0/16"],
    )
    key_id: str = Field(
        description="The gateway key that such a caller acts as.", examples=["01934b1c-7f2a-7c3e-9d52-0a4f6f1f8f11"]
    )


@router.post("", status_code=201, response_model=EnrollmentOut, responses=responses(409))
def create_enrollment(admin: OrganizationManager, body: EnrollmentIn) -> Enrollment:
    """Lets a caller act as a key without sending it. Revoking the key ends that too."""
    return admin.store.enroll(admin, key_id=body.key_id, kind=body.kind, value=body.value)


@router.get("", response_model=ListOf[EnrollmentOut])
def list_enrollments(
    admin: Reader, kind: Kind | None = None, key_id: Filter = None, limit: Limit = 100, cursor: Cursor = None
) -> Page[Enrollment]:
    """Enrollments, newest first."""
    return admin.store.list_enrollments(limit, cursor, kind=kind, key_id=key_id)


@router.delete("/{id}", status_code=204, responses=responses(404))
def delete_enrollment(admin: OrganizationManager, id: Id) -> None:
    """Ends the enrollment, on every worker within a second."""
    admin.store.remove_enrollment(admin, id)
