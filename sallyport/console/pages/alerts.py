"""The page of budget alerts: the webhooks that are told, and what was told."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from sallyport.alerts.message import subject_json
from sallyport.alerts.raised import deliveries_of, list_alerts
from sallyport.console.api.types import Cursor, Id
from sallyport.console.api.webhooks import create, send_test
from sallyport.console.auth import Admin, PageOrganizationManager, PageReader
from sallyport.console.context import ConsoleDep
from sallyport.console.pages.forms import Field, bad
from sallyport.console.pages.names import names_of_ids
from sallyport.console.pages.rendering import Notice, render
from sallyport.store.errors import Refused
from sallyport.store.webhooks import KINDS

router = APIRouter(prefix="/alerts")

_PAGE = 50


@router.get("")
def alerts_page(request: Request, admin: PageReader, cursor: Cursor = None) -> Response:
    return _show(request, admin, cursor=cursor)


@router.post("/webhooks")
def create_webhook(
    request: Request, console: ConsoleDep, admin: PageOrganizationManager, name: Field = "", url: Field = "", kind: Field = ""
) -> Response:
    """Answers with the page itself: the secret is shown this once and must not stand in a URL."""
    try:
        new = create(console, admin, {"name": name, "url": url, "kind": kind})
    except Refused as refusal:
        return _show(request, admin, notice=bad(refusal), status=400)
    text = f"The secret that signs what is sent to “{new.record.name}”, shown now and never again:"
    return _show(request, admin, notice=Notice(text, key=new.secret.reveal() if new.secret else None), status=201)


@router.post("/webhooks/{id}/test")
def try_webhook(request: Request, console: ConsoleDep, admin: PageOrganizationManager, id: Id) -> Response:
    error = send_test(console, admin, id)
    notice = Notice(f"The test was not delivered: {error}.", "bad") if error else Notice("The test was delivered.")
    return _show(request, admin, notice=notice)


@router.post("/webhooks/{id}/delete")
def delete_webhook(admin: PageOrganizationManager, id: Id) -> Response:
    admin.store.delete_webhook(admin, id)
    return RedirectResponse("/alerts", 303)


def _show(
    request: Request, admin: Admin, *, cursor: str | None = None, notice: Notice | None = None, status: int = 200
) -> Response:
    page = list_alerts(admin.store.engine, _PAGE, cursor, admin.scope)
    subjects = {alert.id: subject_json(alert.subject) for alert in page.items}
    return render(
        request,
        "alerts.html",
        notice=notice,
        status=status,
        webhooks=admin.store.list_webhooks() if admin.may("organization:read") else [],
        kinds=KINDS,
        page=page,
        subjects=subjects,
        sent=deliveries_of(admin.store.engine, [*subjects]),
        names=names_of_ids(admin.store.engine, subjects.values()),
    )
