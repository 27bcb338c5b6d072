"""Sums over the ledger, in whole nano-dollars. A passed-through log-in's notional cost is no spend and is left out of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Engine, case, func, null, select
from sqlalchemy.orm import InstrumentedAttribute

from sallyport.spend.ledger.calls import NO_FILTERS, CallFilters
from sallyport.store.database import reading
from sallyport.store.tables import CallRow, GatewayKeyRow, OrganizationRow, UserRow, WorkspaceRow

Group = Literal["organization", "workspace", "user", "api_key", "model", "provider"]
GROUPS: tuple[Group, ...] = ("organization", "workspace", "user", "api_key", "model", "provider")

_AT_ONCE = 500
"""Values in one statement: SQLite and PostgreSQL take no end of them."""

_NAMED: dict[Group, tuple[InstrumentedAttribute[str | None], type[Any]]] = {
    "organization": (CallRow.organization_id, OrganizationRow),
    "workspace": (CallRow.workspace_id, WorkspaceRow),
    "user": (CallRow.user_id, UserRow),
    "api_key": (CallRow.api_key_id, GatewayKeyRow),
}


@dataclass(frozen=True, slots=True)
class Rollup:
    """`group` is an id, or the name of a model or provider; None: calls that have none (an unknown key has no user)."""

    group: str | None
    name: str | None
    spend_nano: int
    calls: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Sum:
    """What the callers of one key (of one user, in one workspace) have spent: any broader subject is a sum of these."""

    workspace_id: str | None
    user_id: str | None
    api_key_id: str | None
    spend_nano: int


def rollup(engine: Engine, group_by: Group, filters: CallFilters = NO_FILTERS) -> list[Rollup]:
    """Dearest first. A call belongs to the time it started at."""
    if group_by in _NAMED:
        column, table = _NAMED[group_by]
        name: Any = select(table.name).where(table.id == column).correlate(CallRow).scalar_subquery()
    else:
        column, name = (CallRow.model if group_by == "model" else CallRow.provider), null()
    spend = _spend()
    query = (
        select(column, name, spend, func.count(), func.sum(CallRow.input_tokens), func.sum(CallRow.output_tokens))
        .where(*filters.conditions())
        .group_by(column)
        .order_by(spend.desc(), column)
    )
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    # PostgreSQL answers sums as Decimal; int() is exact.
    return [
        Rollup(group, group if group_by not in _NAMED else name, int(nano), int(calls), int(tokens_in), int(tokens_out))
        for group, name, nano, calls, tokens_in, tokens_out in rows
    ]


def sums_since(engine: Engine, organization_id: str, windows: Mapping[str, float]) -> dict[str, list[Sum]]:
    """For each named window, given by its start (UTC seconds), what was spent in it; all as of one moment."""
    with reading(engine) as connection:
        return {window: sums_between(connection, organization_id, start) for window, start in windows.items()}


def sums_between(connection: Connection, organization_id: str, start: float, end: float = math.inf) -> list[Sum]:
    """What calls that started from `start` until before `end` (UTC seconds) have cost."""
    who = (CallRow.workspace_id, CallRow.user_id, CallRow.api_key_id)
    conditions = [CallRow.organization_id == organization_id, CallRow.started_at >= start]
    if end < math.inf:
        conditions.append(CallRow.started_at < end)
    query = select(*who, _spend()).where(*conditions).group_by(*who)
    return [Sum(workspace, user, key, int(nano)) for workspace, user, key, nano in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one call cost its budgets, and when it started (UTC seconds)."""

    call_id: str
    started_at: float
    sum: Sum


def costs_of(connection: Connection, call_ids: Iterable[str]) -> list[Cost]:
    """Those of these calls that are in the ledger."""
    who = (CallRow.workspace_id, CallRow.user_id, CallRow.api_key_id)
    spend = case((CallRow.passthrough, 0), else_=CallRow.cost_nano)
    found: list[Cost] = []
    for some in batched(call_ids, _AT_ONCE):
        rows = connection.execute(select(CallRow.id, CallRow.started_at, *who, spend).where(CallRow.id.in_(some)))
        found += [Cost(call_id, at, Sum(workspace, user, key, int(nano))) for call_id, at, workspace, user, key, nano in rows]
    return found


def _spend() -> ColumnElement[int]:
    return func.sum(case((CallRow.passthrough, 0), else_=CallRow.cost_nano))
