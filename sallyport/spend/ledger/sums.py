"""What the counters should hold: sums over the ledger by caller, in nano-dollars."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import batched

from sqlalchemy import ColumnElement, Connection, case, func, select

from sallyport.store.tables import CallRow

_AT_ONCE = 500
"""Values in one statement: SQLite and PostgreSQL take no end of them."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What the callers of one key (of one user, in one workspace) have spent: any broader subject is a sum of these.

    `headers`: of those that were asked for, by name, what the calls said.
    """

    workspace_id: str | None
    user_id: str | None
    api_key_id: str | None
    spend_nano: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def sums_between(
    connection: Connection, organization_id: str, start: float, end: float, header_names: Collection[str] = ()
) -> list[Sum]:
    """What calls that started from `start` until before `end` (UTC seconds) have cost, told apart by these headers too."""
    names = sorted(header_names)
    calls = (
        select(
            *(CallRow.workspace_id, CallRow.user_id, CallRow.api_key_id),
            case((CallRow.passthrough, 0), else_=CallRow.cost_nano).label("spend"),
            *(header_value(name).label(f"header_{number}") for number, name in enumerate(names)),
        )
        .where(CallRow.organization_id == organization_id, CallRow.started_at >= start, CallRow.started_at < end)
        .subquery()
    )
    groups = [column for column in calls.c if column.key != "spend"]
    query = select(func.sum(calls.c.spend), *groups).group_by(*groups)
    found: list[Sum] = []
    for nano, workspace, user, key, *values in connection.execute(query):
        headers = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        found.append(Sum(workspace, user, key, int(nano), headers))
    return found


def header_value(name: str) -> ColumnElement[str | None]:
    """What a call said in the `X-Gateway-*` header of this (canonical) name."""
    return CallRow.headers[name].as_string()


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
        query = select(CallRow.id, CallRow.started_at, *who, spend, CallRow.headers).where(CallRow.id.in_(some))
        found += [
            Cost(call_id, at, Sum(workspace, user, key, int(nano), headers or {}))
            for call_id, at, workspace, user, key, nano, headers in connection.execute(query)
        ]
    return found
