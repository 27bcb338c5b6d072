"""Every route and page × role × own or another's workspace: who may, and what they then see."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from sallyport.alerts.raised import Crossing, raise_alerts
from sallyport.console.auth import Needs, PageNeeds
from sallyport.secret import Secret
from sallyport.spend.ledger import list_violations
from sallyport.store.models import Actor
from sallyport.store.roles import PERMISSIONS, ROLES, Role
from sallyport.tracing.record import Fired
from tests.sallyport.console.bench import ORIGIN, Bench, app

OPEN = {"/login", "/logout", "/healthz", "/readyz", "/metrics"}
"""What needs no permission."""

TEST = Actor("test")
ADMIN: Role = "organization_admin"
MANAGER: Role = "workspace_admin"
MEMBER: Role = "member"
AUDITOR: Role = "auditor"
Who = frozenset[Role]
ALL: Who = frozenset[Role]((ADMIN, MANAGER, MEMBER, AUDITOR))
ADMINS: Who = frozenset[Role]({ADMIN, MANAGER})
SEE_ALL: Who = frozenset[Role]({ADMIN, AUDITOR})
INVOKE: Who = ADMINS | frozenset[Role]({MEMBER})

CAP = {"name": "Cap", "policy_type": "spend_cap", "config": {"window": "hourly", "limit_usd": 1}}


def body(**fields: Any) -> dict[str, Any]:
    return {"json": fields}


def form(**fields: Any) -> dict[str, Any]:
    return {"data": fields}


@dataclass(frozen=True)
class Case:
    """`own`: who may where it is of their workspace; of another's only those whose role holds everywhere may.

    `{name}` in a path or body stands for the id of that thing; `whole`: it is the organization's, whoever asks.
    """

    method: str
    path: str
    own: Who
    request: dict[str, Any] | None = None
    whole: bool = False
    many: bool = False
    """A list or a sum: all may ask, and see their own alone."""


API = (
    Case("GET", "/v1/admin-keys", SEE_ALL, whole=True),
    Case("POST", "/v1/admin-keys", frozenset({ADMIN}), body(name="x"), whole=True),
    Case("GET", "/v1/admin-keys/{admin_key}", SEE_ALL, whole=True),
    Case("DELETE", "/v1/admin-keys/{admin_key}", frozenset({ADMIN}), whole=True),
    Case("GET", "/v1/platform/gateway-policies", ALL, many=True),
    Case(
        "POST",
        "/v1/platform/gateway-policies",
        ADMINS,
        body(**CAP, subject_matchers=[{"key": "workspace_id", "value": "{workspace}"}]),
    ),
    Case("GET", "/v1/platform/gateway-policies/{policy}", ALL),
    Case("GET", "/v1/platform/gateway-policies/{policy}/children", ALL),
    Case("PATCH", "/v1/platform/gateway-policies/{policy}", ADMINS, body(priority=1)),
    Case("DELETE", "/v1/platform/gateway-policies/{policy}", ADMINS),
    Case("GET", "/v1/workspaces", ALL, many=True),
    Case("POST", "/v1/workspaces", frozenset({ADMIN}), body(name="Another"), whole=True),
    Case("GET", "/v1/workspaces/{workspace}", ALL),
    Case("PATCH", "/v1/workspaces/{workspace}", ADMINS, body(langsmith_project="x")),
    Case("GET", "/v1/workspaces/{workspace}/secrets", ALL),
    Case("PUT", "/v1/workspaces/{workspace}/secrets/OPENAI_API_KEY", ADMINS, body(value="sk-x")),
    Case("GET", "/v1/workspaces/{workspace}/secrets/OPENAI_API_KEY", ALL),
    Case("DELETE", "/v1/workspaces/{workspace}/secrets/OPENAI_API_KEY", ADMINS),
    Case("GET", "/v1/users", ALL, many=True),
    Case("POST", "/v1/users", frozenset({ADMIN}), body(name="Eve"), whole=True),
    Case("GET", "/v1/users/{user}", ALL),
    Case("PATCH", "/v1/users/{user}", frozenset({ADMIN}), body(name="Eve")),
    Case("GET", "/v1/keys", ALL, many=True),
    Case("POST", "/v1/keys", INVOKE, body(workspace_id="{workspace}", user_id="{user}")),
    Case("GET", "/v1/keys/{key}", ALL),
    Case("PATCH", "/v1/keys/{key}", ADMINS, body(name="renamed")),
    Case("DELETE", "/v1/keys/{key}", INVOKE),
    Case("GET", "/v1/enrollments", ALL, many=True),
    Case("POST", "/v1/enrollments", frozenset({ADMIN}), body(kind="network", value="192.0.2.0/24", key_id="{key}")),
    Case("DELETE", "/v1/enrollments/{enrollment}", frozenset({ADMIN})),
    Case("GET", "/v1/spend?group_by=workspace&from=1970-01-01T00:00:00Z", ALL, many=True),
    Case("GET", "/v1/calls", ALL, many=True),
    Case("GET", "/v1/calls/{call}", ALL),
    Case("GET", "/v1/violations", ALL, many=True),
    Case("GET", "/v1/violations/{violation}", ALL),
    Case("PATCH", "/v1/violations/{violation}", ADMINS, body(assignee="ada")),
    Case("POST", "/v1/violations/{violation}/comments", ADMINS, body(text="x")),
    Case("GET", "/v1/webhooks", SEE_ALL, whole=True),
    Case("POST", "/v1/webhooks", frozenset({ADMIN}), body(name="x", url="https://93.184.215.14/x"), whole=True),
    Case("DELETE", "/v1/webhooks/{webhook}", frozenset({ADMIN}), whole=True),
    Case("POST", "/v1/webhooks/{webhook}/test", frozenset({ADMIN}), whole=True),
    Case("GET", "/v1/alerts", ALL, many=True),
    Case("POST", "/v1/redactions/trial", ALL, body(text="x"), whole=True),
    Case("POST", "/v1/redactions/replay", ALL, body(pii=False), whole=True),
    Case("GET", "/v1/audit-logs", ALL - {MEMBER}, many=True),
    Case("GET", "/v1/audit-logs/verify", SEE_ALL, whole=True),
    Case("GET", "/v1/audit-logs/events", ALL - {MEMBER}, many=True),
)
PAGES = (
    Case("GET", "/", ALL, many=True),
    Case("GET", "/live/overview", ALL, many=True),
    Case("GET", "/calls", ALL, many=True),
    Case("GET", "/live/calls", ALL, many=True),
    Case("GET", "/calls/{call}", ALL),
    Case("GET", "/policies", ALL, many=True),
    Case("GET", "/policies/{policy}/children", ALL),
    Case("GET", "/alerts", ALL, many=True),
    Case(
        "POST", "/alerts/webhooks", frozenset({ADMIN}), form(name="x", url="https://93.184.215.14/x", kind="generic"), whole=True
    ),
    Case("POST", "/alerts/webhooks/{webhook}/test", frozenset({ADMIN}), whole=True),
    Case("POST", "/alerts/webhooks/{webhook}/delete", frozenset({ADMIN}), whole=True),
    Case("GET", "/redaction", ALL, whole=True),
    Case("POST", "/redaction", ALL, form(text="x"), whole=True),
    Case("POST", "/redaction/replay", ALL, form(secrets="yes"), whole=True),
    Case("GET", "/keys", ALL, many=True),
    Case("GET", "/secrets", ALL, many=True),
    Case("GET", "/spend?group_by=workspace&at=1", ALL, many=True),
    Case("GET", "/spend/csv?group_by=workspace&at=1", ALL, many=True),
    Case("GET", "/violations", ALL, many=True),
    Case("GET", "/violations/{violation}", ALL),
    Case("GET", "/audit", ALL - {MEMBER}, many=True),
    Case("POST", "/keys", INVOKE, form(workspace_id="{workspace}", name="x", user_id="{user}")),
    Case("POST", "/keys/{key}/revoke", INVOKE),
    Case("POST", "/secrets", ADMINS, form(workspace_id="{workspace}", name="OPENAI_API_KEY", value="sk-x")),
    Case("POST", "/secrets/delete", ADMINS, form(workspace_id="{workspace}", name="OPENAI_API_KEY")),
    Case("POST", "/policies", ADMINS, form(name="Cap", key="workspace_id", value="{workspace}", window="hourly", limit_usd="1")),
    Case("POST", "/policies/{policy}/enable", ADMINS, form(enabled="false")),
    Case("POST", "/policies/{policy}/delete", ADMINS),
    Case("POST", "/violations/{violation}/state", ADMINS, form(state="resolved")),
    Case("POST", "/violations/{violation}/assignee", ADMINS, form(assignee="ada")),
    Case("POST", "/violations/{violation}/comments", ADMINS, form(text="x")),
)


def declared() -> dict[tuple[str, str], list[Needs | PageNeeds]]:
    """Of each route, the permissions that it names."""
    included = [route for outer in app().routes for route in getattr(outer, "original_router", app()).routes]
    return {
        (method, route.path): _needs(route.dependant)
        for route in included
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }


def _needs(dependant: Dependant) -> list[Needs | PageNeeds]:
    own = [dependant.call] if isinstance(dependant.call, Needs | PageNeeds) else []
    return [*own, *(need for inner in dependant.dependencies for need in _needs(inner))]


def test_every_route_names_its_permission() -> None:
    for (method, path), needs in declared().items():
        if path not in OPEN:
            assert len({need.permission for need in needs}) == 1, f"{method} {path} must name one permission; see auth.py"


def test_every_route_is_in_the_table() -> None:
    known = {(case.method, _shape(case.path.partition("?")[0])) for case in (*API, *PAGES)}
    assert known == {(method, _shape(path)) for method, path in declared() if path not in OPEN}


def _shape(path: str) -> str:
    return re.sub(r"{\w+}|OPENAI_API_KEY", "{}", path)


@dataclass
class World:
    """Two workspaces with the same things, `own` and `other`; and each role's clients, which hold in `own`."""

    own: dict[str, str]
    other: dict[str, str]
    api: dict[Role, httpx2.AsyncClient]
    browsers: dict[Role, httpx2.AsyncClient]


def things(bench: Bench, name: str, **common: str) -> dict[str, str]:
    store = bench.console.store
    workspace = store.create_workspace(TEST, {"name": name}).id
    user = store.create_user(TEST, {"name": f"user of {name}"}).id
    key = store.create_key(TEST, workspace_id=workspace, user_id=user, name=f"key of {name}").record.id
    store.put_secret(TEST, workspace, "OPENAI_API_KEY", Secret("sk-1"))
    store.put_secret(TEST, workspace, "GOOGLE_API_KEY", Secret("sk-1"))
    matchers = [{"key": "api_key_id", "value": key}]
    policy = store.create_policy(TEST, {**CAP, "name": f"cap of {name}", "subject_matchers": matchers}).id
    enrollment = store.enroll(TEST, key_id=key, kind="os_user", value=name).id
    fired = [Fired(policy, f"cap of {name}", "spend_cap", "blocked", "cap reached")]
    record = bench.record(
        started_at=1.0, workspace_id=workspace, user_id=user, api_key_id=key, model=f"model-of-{name}", cost_nano=7, fired=fired
    )
    raise_alerts(store.engine, Crossing("default", policy, f"cap of {name}", f"api_key_id={key}", "hourly", 0.0, 1, (50,), 1))
    violation = list_violations(store.engine, workspace_id=workspace).items[0].id
    made = {"workspace": workspace, "user": user, "key": key, "policy": policy, "enrollment": enrollment}
    return {**common, **made, "call": record.id, "violation": violation}


@pytest.fixture
async def world(bench: Bench) -> AsyncIterator[World]:
    store = bench.console.store
    common = {
        "admin_key": store.create_admin_key(TEST, "spare").record.id,
        "webhook": store.create_webhook(TEST, {"name": "w", "url": "https://192.0.2.1/x"}).record.id,
    }
    own, other = things(bench, "Own", **common), things(bench, "Other", **common)
    async with AsyncExitStack() as stack:
        api: dict[Role, httpx2.AsyncClient] = {}
        browsers: dict[Role, httpx2.AsyncClient] = {}
        for role in ROLES:
            scoped = role in (MANAGER, MEMBER)
            key = store.create_admin_key(
                TEST, role, role=role, workspaces=[own["workspace"]] if scoped else None, user_id=own["user"] if scoped else None
            ).key.reveal()
            api[role] = await stack.enter_async_context(bench.connect(headers={"X-API-Key": key}))
            browser = await stack.enter_async_context(bench.connect(headers={"Origin": ORIGIN, "Accept": "text/html"}))
            assert (await browser.post("/login", data={"key": key})).status_code == 303
            browsers[role] = browser
        yield World(own, other, api, browsers)


def filled(text: str, ids: dict[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda match: ids[match[1]], text)


async def ask(client: httpx2.AsyncClient, case: Case, ids: dict[str, str]) -> httpx2.Response:
    return await client.request(case.method, filled(case.path, ids), **json.loads(filled(json.dumps(case.request or {}), ids)))


@pytest.mark.parametrize("case", [*API, *PAGES], ids=lambda case: f"{case.method} {case.path}")
async def test_who_may(world: World, case: Case) -> None:
    clients = world.api if case in API else world.browsers
    for role in sorted(ROLES, key=lambda role: role in case.own):  # what others may not do, they leave undone
        everywhere = role in SEE_ALL
        answer = await ask(clients[role], case, world.other if role == ADMIN else world.own)
        if role not in case.own:
            assert answer.status_code == 403, (role, answer.text)
            continue
        assert answer.status_code < 400, (role, answer.text)
        if case.many:  # what is of a workspace is shown by its id, or by a name that tells it
            assert everywhere == (world.other["workspace"] in answer.text or "Other" in answer.text), role
        elif not everywhere and not case.whole:
            strange = await ask(clients[role], case, world.other)
            assert strange.status_code in (400, 403, 404), (role, strange.text)


async def test_a_guard_is_tried_on_calls_of_ones_own_workspaces_alone(world: World, bench: Bench) -> None:
    for workspace in (world.own["workspace"], world.other["workspace"]):
        bench.record(workspace_id=workspace, inputs={"messages": []})
    looked_at: dict[Role, int] = {}
    for role in ROLES:
        looked_at[role] = (await world.api[role].post("/v1/redactions/replay", json={"pii": False})).json()["calls"]
    assert looked_at == {ADMIN: 2, AUDITOR: 2, MANAGER: 1, MEMBER: 1}


def test_the_roles_are_those_of_the_table() -> None:
    assert PERMISSIONS[AUDITOR].isdisjoint({"gateway:invoke", "workspaces:manage", "organization:manage"})
    assert PERMISSIONS[MEMBER] < PERMISSIONS[MANAGER] < PERMISSIONS[ADMIN]
