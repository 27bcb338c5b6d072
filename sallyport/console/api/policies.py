"""`/v1/platform/gateway-policies`: what callers may do, in the shape of LangSmith's API."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from anyio import from_thread
from fastapi import APIRouter
from pydantic import Field
from redis.exceptions import RedisError

from policies import spend_cap
from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Body, Cursor, Filter, Id, Limit, ListOf, SortBy, Time
from sallyport.console.auth import Admin, Manager, Reader
from sallyport.console.cap_children import children
from sallyport.console.cap_spend import cap_spend, count_from_ledger, needs_counting
from sallyport.console.context import Console, ConsoleDep
from sallyport.console.errors import responses
from sallyport.money import nano_to_usd
from sallyport.store.load import load_policies
from sallyport.store.models import StoredPolicy
from sallyport.store.paging import NEWEST

router = APIRouter(
    prefix="/v1/platform/gateway-policies", tags=["policies"], responses=responses(400, 401, 403, 503), route_class=ApiRoute
)

_MATCHERS = [[{"key": "workspace_id", "value": "default"}]]
_CONFIG = [{"window": "daily", "limit_usd": 25}]


class MatcherModel(Body):
    key: str = Field(examples=["workspace_id"])
    value: str = Field(examples=["default"])


class PolicyOut(Answer):
    id: str
    organization_id: str
    name: str = Field(examples=["Team budget"])
    policy_type: str = Field(examples=["spend_cap"])
    action: str = Field(examples=["block"])
    subject_matchers: list[MatcherModel]
    config: dict[str, Any] = Field(examples=_CONFIG)
    enabled: bool
    priority: int = Field(examples=[0])
    created_at: Time
    updated_at: Time
    parent_policy_id: str = Field("", description="On the children of a default cap: that cap.")
    current_spend_usd: str = Field(
        "",
        description="On spend caps: what the subject has spent in the current window, without open reservations. "
        "Left out where it can't be known (a default cap has many subjects).",
        examples=["3.204"],
    )


class PolicyIn(Body):
    """Types and configs: `spend_cap` and `default_spend_cap` {window, limit_usd, strict?, on_store_unavailable?};
    `rate_limit` and `default_rate_limit` {version, limits: [{metric, window, value}]}; `model_access` {allow: [pattern]};
    `guard` {version, detect: {pii, secrets}, timeout_seconds, on_timeout, on_error, restore, system_prompts, direction}.
    All matchers must hold; none: the whole organization.
    """

    name: str = Field(examples=["Team budget"])
    policy_type: str = Field(examples=["spend_cap"])
    action: str = "block"
    subject_matchers: list[MatcherModel] = Field(default_factory=list[MatcherModel], max_length=100, examples=_MATCHERS)
    config: dict[str, Any] = Field(examples=_CONFIG)
    enabled: bool = True
    priority: int = 0
    organization_id: str = "default"


class PolicyPatch(Body):
    name: str | None = None
    policy_type: str | None = Field(None, description="Can't be changed; another value than the policy's is an error.")
    action: str | None = None
    subject_matchers: list[MatcherModel] | None = Field(None, max_length=100)
    config: dict[str, Any] | None = Field(None, description="The fields to change.", examples=[{"limit_usd": 50}])
    enabled: bool | None = None
    priority: int | None = None


@router.post("", status_code=201, response_model=PolicyOut, response_model_exclude_unset=True)
def upsert_policy(console: ConsoleDep, admin: Manager, body: PolicyIn) -> dict[str, Any]:
    """Creates a policy, or changes the one that has the same type, matchers and window."""
    given = body.model_dump(exclude_unset=True, exclude={"organization_id"})
    return _shown(console, [create(console, admin, given, body.organization_id)])[0]


@router.get("", response_model=ListOf[PolicyOut], response_model_exclude_unset=True)
def list_policies(
    console: ConsoleDep,
    admin: Reader,
    policy_type: Filter = None,
    workspace_id: Filter = None,
    name: Filter = None,
    enabled: bool | None = None,
    sort: SortBy = NEWEST,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Policies, newest first."""
    equal = {"policy_type": policy_type, "workspace_id": workspace_id, "name": name, "enabled": enabled}
    page = admin.store.list_policies(limit, cursor, sort=sort, **equal)
    return {"items": _shown(console, page.items), "next_cursor": page.next_cursor}


@router.get("/{id}", response_model=PolicyOut, response_model_exclude_unset=True, responses=responses(404))
def get_policy(console: ConsoleDep, admin: Reader, id: Id) -> dict[str, Any]:
    """One policy."""
    return _shown(console, [admin.shows(admin.store.get_policy(id))])[0]


@router.get("/{id}/children", response_model=ListOf[PolicyOut], response_model_exclude_unset=True, responses=responses(404))
def list_children(console: ConsoleDep, admin: Reader, id: Id, limit: Limit = 100) -> dict[str, Any]:
    """Of a default cap: each subject that spent something in the current window, dearest first, as a cap of its own.

    They follow their parent in everything; one that has a cap of its own instead is no child.
    """
    return {"items": [_with_number(child) for child in children_of(console, admin.store.get_policy(id), limit)]}


@router.patch("/{id}", response_model=PolicyOut, response_model_exclude_unset=True, responses=responses(404, 409))
def update_policy(console: ConsoleDep, admin: Manager, id: Id, body: PolicyPatch) -> dict[str, Any]:
    """Changes the fields given, and within `config` the fields given there."""
    changes: Mapping[str, object] = body.model_dump(exclude_unset=True)
    policy = admin.store.update_policy(admin, id, changes)
    _count(console, policy)
    return _shown(console, [admin.shows(policy)])[0]


@router.delete("/{id}", status_code=204, responses=responses(404))
def delete_policy(admin: Manager, id: Id) -> None:
    """Deletes the policy; it no longer holds on any worker within a second."""
    admin.store.delete_policy(admin, id)


def create(console: Console, admin: Admin, given: Mapping[str, object], organization_id: str = "default") -> StoredPolicy:
    """Stores a policy; a cap on a subject not counted so far starts at what the ledger has for it. Called in a worker thread."""
    policy = admin.store.create_policy(admin, given, organization_id)
    _count(console, policy)
    return policy


def _count(console: Console, policy: StoredPolicy) -> None:
    if needs_counting(policy):
        with contextlib.suppress(RedisError):  # upkeep counts it when Redis is back
            from_thread.run(count_from_ledger, console.redis, console.store.engine, policy.organization_id)


def children_of(console: Console, parent: StoredPolicy, limit: int) -> list[dict[str, Any]]:
    """As `children`; none of what has none. Called in a worker thread. Raises redis.RedisError."""
    if parent.policy_type != spend_cap.DEFAULT_NAME or not parent.enabled:
        return []
    return from_thread.run(children, console.redis, parent, load_policies(console.store.engine), limit)


def with_spend(console: Console, policies: list[StoredPolicy]) -> list[dict[str, Any]]:
    """The policies, each cap with its `current_spend_usd`. Called in a worker thread."""
    spent = from_thread.run(cap_spend, console.redis, policies)
    return [
        asdict(policy) | ({"current_spend_usd": nano_to_usd(spent[policy.id])} if policy.id in spent else {})
        for policy in policies
    ]


def _shown(console: Console, policies: list[StoredPolicy]) -> list[dict[str, Any]]:
    """As `with_spend`, with `limit_usd` as the number that LangSmith's API has there; it is kept as an exact decimal string."""
    return [_with_number(policy) for policy in with_spend(console, policies)]


def _with_number(policy: dict[str, Any]) -> dict[str, Any]:
    if "limit_usd" not in policy["config"]:
        return policy
    limit = Decimal(policy["config"]["limit_usd"])
    return policy | {"config": {**policy["config"], "limit_usd": int(limit) if limit == int(limit) else float(limit)}}
