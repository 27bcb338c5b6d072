"""Who asks, and what they may: the admin key in `X-API-Key` for the API, a signed cookie for the pages.

Every route names the permission that it needs, by one of the types at the end. What it then sees and changes goes through
`Admin.store` and `Admin.scope`, which hold the key's workspaces and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, HTTPException, Request, Response, Security
from fastapi.security import APIKeyHeader

from sallyport.console.context import Console, ConsoleDep
from sallyport.console.sessions import COOKIE
from sallyport.store.base import tag
from sallyport.store.models import Actor, AdminKey
from sallyport.store.operations import Store
from sallyport.store.roles import Permission, Scope

_HEADER = APIKeyHeader(name="X-API-Key", scheme_name="AdminKey", description="An admin key.", auto_error=False)


class LogInNeeded(Exception):
    """A page was asked for without a session."""

    def __init__(self, then: str) -> None:
        self.location = f"/login?next={quote(then)}"


@dataclass(frozen=True, slots=True)
class Admin(Actor):
    """Who asks."""

    key: AdminKey = field(kw_only=True)
    store: Store = field(kw_only=True, repr=False)
    """As far as the key's scope goes, and `If-Match` allows."""
    response: Response = field(kw_only=True, repr=False)

    @property
    def scope(self) -> Scope:
        return self.store.scope

    def shows[R](self, record: R) -> R:
        """The record of an answer, whose `ETag` says which state it shows."""
        self.response.headers["ETag"] = f'"{tag(record)}"'
        return record

    def may(self, permission: Permission) -> bool:
        return permission in self.key.permissions()


@dataclass(frozen=True, slots=True)
class Needs:
    """The admin behind an API request. Raises 401; 403 without the permission."""

    permission: Permission

    def __call__(
        self, request: Request, response: Response, console: ConsoleDep, key: Annotated[str | None, Security(_HEADER)]
    ) -> Admin:
        if not key:
            raise HTTPException(401, "an admin key is needed, in the header X-API-Key", {"WWW-Authenticate": "ApiKey"})
        admin = console.admins.authenticate(key)
        if admin is None:
            detail = "the admin key in X-API-Key is unknown, expired or revoked"
            raise HTTPException(401, detail, {"WWW-Authenticate": "ApiKey"})
        return _allowed(request, response, console, admin, self.permission)


@dataclass(frozen=True, slots=True)
class PageNeeds:
    """The admin behind a page. Raises LogInNeeded; 403 without the permission, and for a form that another site sent."""

    permission: Permission

    def __call__(self, request: Request, response: Response, console: ConsoleDep) -> Admin:
        session = console.sessions.read(request.cookies.get(COOKIE, ""))
        admin = console.admins.find(session.admin_id) if session else None
        if admin is None:
            raise LogInNeeded(request.url.path if request.method == "GET" else "/")
        check_origin(request)
        return _allowed(request, response, console, admin, self.permission)


def _allowed(request: Request, response: Response, console: Console, key: AdminKey, permission: Permission) -> Admin:
    source = request.client.host if request.client else None
    store = console.store.within(key.scope(), _seen(request.headers.get("if-match", "*")))
    admin = Admin(f"admin-key:{key.prefix}", source, key=key, store=store, response=response)
    request.state.admin = admin  # for what every page shows
    if not admin.may(permission):
        raise HTTPException(403, f"this needs the permission {permission}, which the admin key {key.name!r} ({key.role}) lacks")
    return admin


def _seen(if_match: str) -> frozenset[str] | None:
    """The tags of an `If-Match` (RFC 9110, section 13.1.1); None for `*`: any."""
    return None if if_match.strip() == "*" else frozenset(re.findall(r'(?<!/)"([^"]*)"', if_match))


def check_origin(request: Request) -> None:
    """Refuse a form that did not come from one of our own pages (beside the cookie's SameSite=Strict)."""
    if request.method in ("GET", "HEAD"):
        return
    origin = request.headers.get("origin", "")
    if urlsplit(origin).netloc != request.headers.get("host") or not origin:
        raise HTTPException(403, "this form was sent from another site; open the console and try again")


Reader = Annotated[Admin, Depends(Needs("workspaces:read"))]
Manager = Annotated[Admin, Depends(Needs("workspaces:manage"))]
KeyMaker = Annotated[Admin, Depends(Needs("gateway:invoke"))]
AuditReader = Annotated[Admin, Depends(Needs("audit:read"))]
OrganizationReader = Annotated[Admin, Depends(Needs("organization:read"))]
OrganizationManager = Annotated[Admin, Depends(Needs("organization:manage"))]

PageReader = Annotated[Admin, Depends(PageNeeds("workspaces:read"))]
PageManager = Annotated[Admin, Depends(PageNeeds("workspaces:manage"))]
PageKeyMaker = Annotated[Admin, Depends(PageNeeds("gateway:invoke"))]
PageAuditReader = Annotated[Admin, Depends(PageNeeds("audit:read"))]
PageOrganizationManager = Annotated[Admin, Depends(PageNeeds("organization:manage"))]
