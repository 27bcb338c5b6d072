"""Signing in with the admin key, and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse

from sallyport.console.auth import check_origin
from sallyport.console.context import ConsoleDep
from sallyport.console.pages.rendering import render
from sallyport.console.sessions import COOKIE, SESSION_SECONDS

router = APIRouter(dependencies=[Depends(check_origin)])


@router.get("/login")
def login_page(request: Request, next: str = "/") -> Response:
    return render(request, "login.html", next=_local(next), problem=None)


@router.post("/login")
def log_in(
    request: Request, console: ConsoleDep, key: Annotated[str, Form()] = "", next: Annotated[str, Form()] = "/"
) -> Response:
    admin = console.admins.authenticate(key.strip())
    if admin is None:
        return render(request, "login.html", next=_local(next), problem="This admin key is unknown or revoked.", status=401)
    answer = RedirectResponse(_local(next), 303)
    secure = request.url.scheme == "https"
    cookie = console.sessions.issue(admin.id)
    answer.set_cookie(COOKIE, cookie, max_age=SESSION_SECONDS, httponly=True, samesite="strict", secure=secure)
    return answer


@router.post("/logout")
def log_out() -> Response:
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _local(path: str) -> str:
    """A path of this console; `//host`, `/\\host` and the like lead elsewhere."""
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if safe else "/"
