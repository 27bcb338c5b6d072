"""The pages that show things."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Query, Request, Response

from policies.model import SUBJECT_KEYS
from sallyport.console.api.policies import with_spend
from sallyport.console.api.spend import Window
from sallyport.console.api.types import Cursor, Id
from sallyport.console.auth import Admin, PageAuditReader, PageReader
from sallyport.console.context import Console, ConsoleDep
from sallyport.console.pages.names import Ids, names_of
from sallyport.console.pages.overview import overview, use
from sallyport.console.pages.rendering import Notice, render
from sallyport.providers import PROVIDERS
from sallyport.spend import ledger
from sallyport.store.call_tables import CallRow
from sallyport.store.models import GatewayKey, StoredPolicy, TriageState, Workspace
from sallyport.store.provider_secrets import secret_names

router = APIRouter()

_PAGE = 50
_CHOICES = 1000  # the most workspaces and users that a form offers


@router.get("/")
def overview_page(request: Request, console: ConsoleDep, admin: PageReader) -> Response:
    return render(request, "overview.html", **overview(console, admin))


@router.get("/live/overview")
def overview_live(request: Request, console: ConsoleDep, admin: PageReader) -> Response:
    return render(request, "overview_live.html", **overview(console, admin))


@router.get("/calls")
def calls_page(
    request: Request,
    admin: PageReader,
    outcome: str = "",
    provider: str = "",
    model: str = "",
    cursor: Cursor = None,
) -> Response:
    return _calls(request, admin, "calls.html", outcome, provider, model, cursor)


@router.get("/live/calls")
def calls_live(request: Request, admin: PageReader, outcome: str = "", provider: str = "", model: str = "") -> Response:
    return _calls(request, admin, "calls_live.html", outcome, provider, model, None)


def _calls(
    request: Request, admin: Admin, template: str, outcome: str, provider: str, model: str, cursor: str | None
) -> Response:
    filters = ledger.CallFilters(
        outcome=outcome or None, provider=provider or None, model=model.replace("\0", "") or None, scope=admin.scope
    )
    page = ledger.list_calls(admin.store.engine, filters, _PAGE, cursor)
    return render(
        request,
        template,
        page=page,
        names=names_of(admin.store.engine, page.items),
        filters={"outcome": outcome, "provider": provider, "model": model},
        filtered=bool(outcome or provider or model),
        providers=tuple(PROVIDERS),
        live=cursor is None,
    )


@router.get("/calls/{id}")
def call_page(request: Request, admin: PageReader, id: Id) -> Response:
    call = ledger.get_call(admin.store.engine, id, admin.scope)
    return render(request, "call.html", call=call, names=names_of(admin.store.engine, [call]), split=time_split(call))


def time_split(call: CallRow) -> list[dict[str, Any]]:
    """Where a call's time went, as parts of a bar 100 wide: ours, waiting for the first token, the rest of the answer."""
    ours = min(call.gateway_ms, call.duration_ms)
    first = call.duration_ms if call.first_token_ms is None else min(max(call.first_token_ms, ours), call.duration_ms)
    parts = [("gateway", "gateway", ours), ("wait", "provider, to the first token", first - ours)]
    parts.append(("stream", "rest of the answer", call.duration_ms - first))
    if call.first_token_ms is None:
        parts = [("gateway", "gateway", ours), ("wait", "provider", first - ours)]
    split: list[dict[str, Any]] = []
    x = 0.0
    for kind, label, ms in parts:
        width = round(100 * ms / call.duration_ms, 2) if call.duration_ms else 0.0
        split.append({"kind": kind, "label": label, "ms": ms, "x": round(x, 2), "width": width})
        x += width
    return split


@router.get("/policies")
def policies_page(request: Request, console: ConsoleDep, admin: PageReader, cursor: Cursor = None) -> Response:
    return show_policies(request, console, admin, cursor=cursor)


def show_policies(
    request: Request,
    console: Console,
    admin: Admin,
    *,
    cursor: str | None = None,
    notice: Notice | None = None,
    status: int = 200,
) -> Response:
    page = admin.store.list_policies(_PAGE, cursor)
    policies = with_spend(console, page.items)
    return render(
        request,
        "policies.html",
        notice=notice,
        status=status,
        policies=policies,
        names=names_of(admin.store.engine, [_subject(policy) for policy in page.items]),
        uses={policy["id"]: use(policy) for policy in policies if "current_spend_usd" in policy},
        next_cursor=page.next_cursor,
        windows=get_args(Window),
    )


def _subject(policy: StoredPolicy) -> Ids:
    return Ids(**{matcher["key"]: matcher["value"] for matcher in policy.subject_matchers if matcher["key"] in SUBJECT_KEYS})


@router.get("/keys")
def keys_page(request: Request, admin: PageReader, cursor: Cursor = None) -> Response:
    return show_keys(request, admin, cursor=cursor)


def show_keys(
    request: Request, admin: Admin, *, cursor: str | None = None, notice: Notice | None = None, status: int = 200
) -> Response:
    page = admin.store.list_keys(_PAGE, cursor)
    now = time.time()
    return render(
        request,
        "keys.html",
        notice=notice,
        status=status,
        keys=[(key, key_state(key, now)) for key in page.items],
        next_cursor=page.next_cursor,
        names=names_of(admin.store.engine, [Ids(workspace_id=key.workspace_id, user_id=key.user_id) for key in page.items]),
        workspaces=_workspaces(admin),
        users=admin.store.list_users(_CHOICES).items,
    )


def key_state(key: GatewayKey, now: float) -> Literal["active", "revoked", "expired"]:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "active"


@router.get("/secrets")
def secrets_page(request: Request, admin: PageReader) -> Response:
    return show_secrets(request, admin)


def show_secrets(request: Request, admin: Admin, *, notice: Notice | None = None, status: int = 200) -> Response:
    workspaces = _workspaces(admin)
    secrets = [(workspace, secret) for workspace in workspaces for secret in admin.store.list_secrets(workspace.id)]
    return render(
        request, "secrets.html", notice=notice, status=status, secrets=secrets, workspaces=workspaces, secret_names=secret_names()
    )


def _workspaces(admin: Admin) -> list[Workspace]:
    return admin.store.list_workspaces(_CHOICES).items


@router.get("/violations")
def violations_page(request: Request, admin: PageReader, state: str = "", cursor: Cursor = None) -> Response:
    state = state if state in get_args(TriageState.__value__) else ""
    page = ledger.list_violations(admin.store.engine, state=state or None, limit=_PAGE, cursor=cursor, scope=admin.scope)
    return render(request, "violations.html", page=page, state=state, names=names_of(admin.store.engine, page.items))


@router.get("/audit")
def audit_page(
    request: Request, admin: PageAuditReader, cursor: Cursor = None, verify: Annotated[bool, Query()] = False
) -> Response:
    page = admin.store.list_audit(_PAGE, cursor)
    notice = None
    if verify and admin.may("organization:read"):
        verdict = admin.store.verify_audit()
        if verdict["ok"]:
            notice = Notice(f"The audit log is whole: {verdict['rows']:,} rows, each fits the one before it.")
        else:
            notice = Notice(f"The audit log is damaged: row {verdict['broken_at']} was changed, moved or deleted.", "bad")
    return render(request, "audit.html", page=page, notice=notice)
