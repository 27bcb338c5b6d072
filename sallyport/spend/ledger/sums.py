"""What the counters should hold: sums over the ledger by caller, in nano-dollars."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Dialect, case, func, select
from sqlalchemy import cast as sql_cast

from sallyport.store.call_tables import CallRow

_AT_ONCE = 500
"""Values in one statement: SQLite and PostgreSQL take no end of them."""
SPEND = case((CallRow.passthrough, 0), else_=CallRow.cost_nano)
"""What a call costs its budgets: a passed-through log-in's cost is notional."""


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
            SPEND.label("spend"),
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


@dataclass(frozen=True, slots=True)
class Used:
    """Requests and tokens of one caller in one bucket of time, counted since 1970; passed-through calls too.

    A call is one request, however many attempts were made at it.
    """

    workspace_id: str | None
    user_id: str | None
    api_key_id: str | None
    bucket: int
    calls: int
    tokens: int
    headers: Mapping[str, str]


def used_since(
    connection: Connection, organization_id: str, start: float, seconds: int, header_names: Collection[str] = ()
) -> list[Used]:
    """What models were asked since `start` (UTC seconds) and answered or not, in buckets of so many seconds."""
    names = sorted(header_names)
    tokens = CallRow.input_tokens + CallRow.output_tokens
    calls = (
        select(
            *(CallRow.workspace_id, CallRow.user_id, CallRow.api_key_id),
            bucket(connection.dialect, seconds).label("bucket"),
            tokens.label("tokens"),
            case((CallRow.attempt == 1, 1), else_=0).label("first"),
            *(header_value(name).label(f"header_{number}") for number, name in enumerate(names)),
        )
        .where(CallRow.organization_id == organization_id, CallRow.started_at >= start)
        .where(CallRow.outcome != "blocked", CallRow.model.is_not(None))
        .where(
            (CallRow.outcome != "success") | (tokens > 0) | (CallRow.cost_nano > 0)
        )  # else it only counted tokens, or the like
        .subquery()
    )
    groups = [column for column in calls.c if column.key not in ("tokens", "first")]
    query = select(func.sum(calls.c.first), func.sum(calls.c.tokens), *groups).group_by(*groups)
    found: list[Used] = []
    for count, tokens, workspace, user, key, number, *values in connection.execute(query):
        headers = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        found.append(Used(workspace, user, key, int(number), int(count), int(tokens), headers))
    return found


def bucket(dialect: Dialect, seconds: int) -> ColumnElement[Any]:
    """Which interval since 1970. A cast cuts off in SQLite but rounds in PostgreSQL; floor() is not in every SQLite."""
    elapsed = CallRow.started_at / seconds
    return sql_cast(elapsed, BigInteger) if dialect.name == "sqlite" else func.floor(elapsed)


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
    found: list[Cost] = []
    for some in batched(call_ids, _AT_ONCE):
        query = select(CallRow.id, CallRow.started_at, *who, SPEND, CallRow.headers).where(CallRow.id.in_(some))
        found += [
            Cost(call_id, at, Sum(workspace, user, key, int(nano), headers or {}))
            for call_id, at, workspace, user, key, nano, headers in connection.execute(query)
        ]
    return found
