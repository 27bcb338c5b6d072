"""A violation's page, and what an admin does there."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from policies.advice import advice
from sallyport.console.api.types import Id
from sallyport.console.auth import Admin, PageManager, PageReader
from sallyport.console.pages.forms import Field, bad
from sallyport.console.pages.names import names_of
from sallyport.console.pages.rendering import Notice, render
from sallyport.spend import ledger
from sallyport.store.errors import Conflict, Invalid

router = APIRouter(prefix="/violations")


@router.get("/{id}")
def violation_page(request: Request, admin: PageReader, id: Id) -> Response:
    return _show(request, admin, id)


@router.post("/{id}/state")
def set_state(request: Request, admin: PageManager, id: Id, state: Field = "") -> Response:
    return _change(request, admin, id, lambda: admin.store.triage_violation(admin, id, {"state": state}))


@router.post("/{id}/assignee")
def assign(request: Request, admin: PageManager, id: Id, assignee: Field = "") -> Response:
    return _change(request, admin, id, lambda: admin.store.triage_violation(admin, id, {"assignee": assignee.strip()}))


@router.post("/{id}/comments")
def comment(request: Request, admin: PageManager, id: Id, text: Field = "") -> Response:
    return _change(request, admin, id, lambda: admin.store.comment_violation(admin, id, text))


def _change(request: Request, admin: Admin, id: str, change: Callable[[], object]) -> Response:
    try:
        change()
    except (Invalid, Conflict) as refusal:
        return _show(request, admin, id, notice=bad(refusal), status=400)
    return RedirectResponse(f"/violations/{id}", 303)


def _show(request: Request, admin: Admin, id: str, *, notice: Notice | None = None, status: int = 200) -> Response:
    violation = ledger.get_violation(admin.store.engine, id, admin.scope)
    return render(
        request,
        "violation.html",
        notice=notice,
        status=status,
        violation=violation,
        next_step=advice(violation.policy_type, violation.action),
        comments=admin.store.list_comments(id),
        names=names_of(admin.store.engine, [violation]),
    )
