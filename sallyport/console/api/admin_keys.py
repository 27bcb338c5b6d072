"""`/v1/admin-keys`: the credentials of this API and of the console."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Body, Cursor, Id, Limit, ListOf, Time, TimeIn, seconds
from sallyport.console.auth import OrganizationManager, OrganizationReader
from sallyport.console.errors import responses
from sallyport.store.models import AdminKey, Page
from sallyport.store.roles import Role

router = APIRouter(prefix="/v1/admin-keys", tags=["admin keys"], responses=responses(400, 401, 403, 503), route_class=ApiRoute)


class AdminKeyOut(Answer):
    id: str = Field(examples=["01934b1c-7f2a-7c3e-9d52-0a4f6f1f8f11"])
    name: str = Field(examples=["terraform"])
    prefix: str = Field(description="The first characters of the key, to tell keys apart.", examples=["spa_7Qk2Zb"])
    preset: bool = Field(description="It came from `SALLYPORT_ADMIN_KEY`, and goes when another comes from there.")
    role: Role = Field(examples=["workspace_admin"])
    workspaces: list[str] | None = Field(description="Where the role holds; null: everywhere.", examples=[["default"]])
    user_id: str | None = Field(description="The user whose it is.", examples=[None])
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None


class NewAdminKeyOut(AdminKeyOut):
    key: str = Field(description="The key. It is shown here and never again.", examples=["spa_7Qk2Zb…"])


class AdminKeyIn(Body):
    name: str = Field(description="Whose it is, or what for: the audit log knows who acted by the key.", examples=["terraform"])
    expires_at: TimeIn | None = Field(None, examples=["2027-01-01T00:00:00Z"])
    role: Role = Field("organization_admin", examples=["workspace_admin"])
    workspaces: list[str] | None = Field(
        None,
        max_length=1000,
        description="The ids of those in which the role holds: needed for workspace_admin and member, and for no other.",
        examples=[["default"]],
    )
    user_id: str | None = Field(
        None, description="The user whose it is; a member makes gateway keys for that user alone.", examples=[None]
    )


@router.post("", status_code=201, response_model=NewAdminKeyOut)
def create_admin_key(admin: OrganizationManager, body: AdminKeyIn) -> dict[str, Any]:
    """A new admin key. Only this answer ever holds it; we keep its hash."""
    new = admin.store.create_admin_key(
        admin, body.name, seconds(body.expires_at), role=body.role, workspaces=body.workspaces, user_id=body.user_id
    )
    return {**asdict(new.record), "key": new.key.reveal()}


@router.get("", response_model=ListOf[AdminKeyOut])
def list_admin_keys(admin: OrganizationReader, limit: Limit = 100, cursor: Cursor = None) -> Page[AdminKey]:
    """Admin keys, newest first; revoked and expired ones too."""
    return admin.store.list_admin_keys(limit, cursor)


@router.get("/{id}", response_model=AdminKeyOut, responses=responses(404))
def get_admin_key(admin: OrganizationReader, id: Id) -> AdminKey:
    """One admin key."""
    return admin.shows(admin.store.get_admin_key(id))


@router.delete("/{id}", status_code=204, responses=responses(404, 409))
def revoke_admin_key(admin: OrganizationManager, id: Id) -> None:
    """Revokes the admin key within a second, its sessions too. The last organization admin's that does not expire stays."""
    admin.store.revoke_admin_key(admin, id)
