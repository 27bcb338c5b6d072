"""`/v1/users`: people and services whose spend is told apart."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Body, Cursor, Filter, Id, Limit, ListOf, SortBy, Time
from sallyport.console.auth import OrganizationManager, Reader
from sallyport.console.errors import responses
from sallyport.store.models import Page, User
from sallyport.store.paging import NEWEST

router = APIRouter(prefix="/v1/users", tags=["users"], responses=responses(400, 401, 403, 503), route_class=ApiRoute)


class UserOut(Answer):
    id: str = Field(examples=["01934b1c-7f2a-7c3e-9d52-0a4f6f1f8f11"])
    organization_id: str = Field(examples=["default"])
    name: str = Field(examples=["Ada Lovelace"])
    email: str | None = Field(examples=["ada@example.com"])
    created_at: Time
    updated_at: Time


class UserIn(Body):
    name: str = Field(examples=["Ada Lovelace"])
    email: str | None = Field(None, examples=["ada@example.com"])
    organization_id: str = "default"


class UserPatch(Body):
    name: str | None = Field(None, examples=["Ada King"])
    email: str | None = None


@router.post("", status_code=201, response_model=UserOut, responses=responses(404, 409))
def create_user(admin: OrganizationManager, body: UserIn) -> User:
    """A new user; e-mail addresses are unique within an organization."""
    return admin.store.create_user(admin, body.model_dump(exclude={"organization_id"}), body.organization_id)


@router.get("", response_model=ListOf[UserOut])
def list_users(
    admin: Reader,
    name: Filter = None,
    email: Filter = None,
    sort: SortBy = NEWEST,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[User]:
    """Users, newest first."""
    return admin.store.list_users(limit, cursor, sort=sort, name=name, email=email)


@router.get("/{id}", response_model=UserOut, responses=responses(404))
def get_user(admin: Reader, id: Id) -> User:
    """One user."""
    return admin.shows(admin.store.get_user(id))


@router.patch("/{id}", response_model=UserOut, responses=responses(404, 409))
def update_user(admin: OrganizationManager, id: Id, body: UserPatch) -> User:
    """Changes the fields given and leaves the others."""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    return admin.shows(admin.store.update_user(admin, id, changes))
