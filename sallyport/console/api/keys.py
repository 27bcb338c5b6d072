"""`/v1/keys`: gateway keys, the credentials that callers hold."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Body, Cursor, Filter, Id, Limit, ListOf, SortBy, Time, TimeIn, seconds
from sallyport.console.auth import KeyMaker, Manager, Reader
from sallyport.console.errors import responses
from sallyport.store.models import GatewayKey, Page
from sallyport.store.paging import NEWEST

router = APIRouter(prefix="/v1/keys", tags=["keys"], responses=responses(400, 401, 403, 503), route_class=ApiRoute)


class KeyOut(Answer):
    id: str = Field(examples=["01934b1c-7f2a-7c3e-9d52-0a4f6f1f8f11"])
    name: str = Field(examples=["laptop"])
    prefix: str = Field(description="The first characters of the key, to tell keys apart.", examples=["sp_4fT9aQ"])
    organization_id: str = Field(examples=["default"])
    workspace_id: str = Field(examples=["default"])
    user_id: str | None
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None


class NewKeyOut(KeyOut):
    key: str = Field(description="The key. It is shown here and never again.", examples=["sp_4fT9aQ…"])


class KeyIn(Body):
    workspace_id: str = Field(examples=["default"])
    name: str = Field("key", examples=["laptop"])
    user_id: str | None = Field(None, description="Whom calls with this key count for.")
    expires_at: TimeIn | None = Field(None, examples=["2027-01-01T00:00:00Z"])


class KeyPatch(Body):
    name: str | None = Field(None, examples=["laptop"])
    user_id: str | None = Field(None, description="Whom calls with this key count for; null: nobody.")


@router.post("", status_code=201, response_model=NewKeyOut)
def create_key(admin: KeyMaker, body: KeyIn) -> dict[str, Any]:
    """A new gateway key. Only this answer ever holds it; we keep its hash."""
    new = admin.store.create_key(
        admin, workspace_id=body.workspace_id, name=body.name, user_id=body.user_id, expires_at=seconds(body.expires_at)
    )
    return {**asdict(new.record), "key": new.key.reveal()}


@router.get("", response_model=ListOf[KeyOut])
def list_keys(
    admin: Reader,
    workspace_id: Filter = None,
    user_id: Filter = None,
    name: Filter = None,
    sort: SortBy = NEWEST,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[GatewayKey]:
    """Keys, newest first; revoked and expired ones too."""
    return admin.store.list_keys(limit, cursor, sort=sort, workspace_id=workspace_id, user_id=user_id, name=name)


@router.get("/{id}", response_model=KeyOut, responses=responses(404))
def get_key(admin: Reader, id: Id) -> GatewayKey:
    """One key."""
    return admin.shows(admin.store.get_key(id))


@router.patch("/{id}", response_model=KeyOut, responses=responses(404))
def update_key(admin: Manager, id: Id, body: KeyPatch) -> GatewayKey:
    """Changes the key's name, and whose it is, for its calls from now on."""
    return admin.shows(admin.store.update_key(admin, id, body.model_dump(exclude_unset=True)))


@router.delete("/{id}", status_code=204, responses=responses(404))
def revoke_key(admin: KeyMaker, id: Id) -> None:
    """Revokes the key, for good and on every worker within a second."""
    admin.store.revoke_key(admin, id)
