"""The forms on the pages: what they change goes through the same operations as the API."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from sallyport.console.api.policies import create
from sallyport.console.api.types import Id
from sallyport.console.auth import PageKeyMaker, PageManager
from sallyport.console.context import ConsoleDep
from sallyport.console.pages.rendering import Notice
from sallyport.console.pages.views import show_keys, show_policies, show_secrets
from sallyport.secret import Secret
from sallyport.store.errors import Refused

router = APIRouter()

Field = Annotated[str, Form(max_length=100_000)]
_DAY = 86400


@router.post("/keys")
def create_key(
    request: Request,
    admin: PageKeyMaker,
    workspace_id: Field = "",
    name: Field = "",
    user_id: Field = "",
    days: Field = "",
) -> Response:
    """Answers with the page itself: the key is shown this once and must not stand in a URL."""
    if days and not days.isdecimal():
        return show_keys(request, admin, notice=Notice("Expires in: give a whole number of days.", "bad"), status=400)
    expires_at = time.time() + int(days[:6]) * _DAY if days else None
    try:
        new = admin.store.create_key(admin, workspace_id=workspace_id, name=name, user_id=user_id or None, expires_at=expires_at)
    except Refused as refusal:
        return show_keys(request, admin, notice=bad(refusal), status=400)
    notice = Notice(f"The key “{new.record.name}”, shown now and never again:", key=new.key.reveal())
    return show_keys(request, admin, notice=notice, status=201)


@router.post("/keys/{id}/revoke")
def revoke_key(admin: PageKeyMaker, id: Id) -> Response:
    admin.store.revoke_key(admin, id)
    return RedirectResponse("/keys", 303)


@router.post("/secrets")
def put_secret(request: Request, admin: PageManager, workspace_id: Field = "", name: Field = "", value: Field = "") -> Response:
    try:
        admin.store.put_secret(admin, workspace_id, name, Secret(value))
    except Refused as refusal:
        return show_secrets(request, admin, notice=bad(refusal), status=400)
    return RedirectResponse("/secrets", 303)


@router.post("/secrets/delete")
def delete_secret(admin: PageManager, workspace_id: Field = "", name: Field = "") -> Response:
    admin.store.delete_secret(admin, workspace_id, name)
    return RedirectResponse("/secrets", 303)


@router.post("/policies")
def create_cap(
    request: Request,
    console: ConsoleDep,
    admin: PageManager,
    name: Field = "",
    key: Field = "",
    value: Field = "",
    window: Field = "",
    limit_usd: Field = "",
) -> Response:
    """A spend cap on one subject, or on each that has none of its own; without a key on the whole organization."""
    matchers = [{"key": key, "value": value.strip()}] if key else []
    policy_type = "default_spend_cap" if key and not value.strip() else "spend_cap"
    config = {"window": window, "limit_usd": limit_usd.strip().removeprefix("$")}
    try:
        create(console, admin, {"name": name, "policy_type": policy_type, "subject_matchers": matchers, "config": config})
    except Refused as refusal:
        return show_policies(request, console, admin, notice=bad(refusal), status=400)
    return RedirectResponse("/policies", 303)


@router.post("/policies/{id}/enable")
def enable_policy(admin: PageManager, id: Id, enabled: Annotated[bool, Form()]) -> Response:
    admin.store.update_policy(admin, id, {"enabled": enabled})
    return RedirectResponse("/policies", 303)


@router.post("/policies/{id}/delete")
def delete_policy(admin: PageManager, id: Id) -> Response:
    admin.store.delete_policy(admin, id)
    return RedirectResponse("/policies", 303)


def bad(refusal: Refused) -> Notice:
    """Why something was refused."""
    text = str(refusal)
    return Notice(text[:1].upper() + text[1:], "bad")
