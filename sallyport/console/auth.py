"""Who asks: the admin key in `X-API-Key` for the API, a signed cookie for the pages."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import APIKeyHeader

from sallyport.console.context import ConsoleDep
from sallyport.console.sessions import COOKIE
from sallyport.store.models import Actor, AdminKey

_HEADER = APIKeyHeader(name="X-API-Key", scheme_name="AdminKey", description="An admin key.", auto_error=False)


class LogInNeeded(Exception):
    """A page was asked for without a session."""

    def __init__(self, then: str) -> None:
        self.location = f"/login?next={quote(then)}"


def require_admin(request: Request, console: ConsoleDep, key: Annotated[str | None, Security(_HEADER)]) -> Actor:
    """The admin behind an API request. Raises 401."""
    if not key:
        raise HTTPException(401, "an admin key is needed, in the header X-API-Key", {"WWW-Authenticate": "ApiKey"})
    admin = console.admins.authenticate(key)
    if admin is None:
        raise HTTPException(401, "the admin key in X-API-Key is unknown, expired or revoked", {"WWW-Authenticate": "ApiKey"})
    return actor(request, admin)


def require_session(request: Request, console: ConsoleDep) -> Actor:
    """The admin behind a page. Raises LogInNeeded, or 403 for a form that another site sent."""
    session = console.sessions.read(request.cookies.get(COOKIE, ""))
    admin = console.admins.find(session.admin_id) if session else None
    if admin is None:
        raise LogInNeeded(request.url.path if request.method == "GET" else "/")
    check_origin(request)
    return actor(request, admin)


def check_origin(request: Request) -> None:
    """Refuse a form that did not come from one of our own pages (beside the cookie's SameSite=Strict)."""
    if request.method in ("GET", "HEAD"):
        return
    origin = request.headers.get("origin", "")
    if urlsplit(origin).netloc != request.headers.get("host") or not origin:
        raise HTTPException(403, "this form was sent from another site; open the console and try again")


def actor(request: Request, admin: AdminKey) -> Actor:
    return Actor(f"admin-key:{admin.prefix}", request.client.host if request.client else None)


AdminDep = Annotated[Actor, Depends(require_admin)]
SessionDep = Annotated[Actor, Depends(require_session)]
