"""What was spent, by whom or on what, and when: sums over the ledger, in whole nano-dollars.

A passed-through log-in's cost is no spend: it is summed apart, as notional.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Engine, case, func, null, select

from policies.model import header_name
from sallyport.money import nano_to_usd
from sallyport.spend.ledger.calls import NO_FILTERS, CallFilters, iso
from sallyport.spend.ledger.sums import SPEND, bucket, header_value
from sallyport.spend.windows import window_start
from sallyport.store.call_tables import CallRow
from sallyport.store.database import reading
from sallyport.store.errors import Invalid
from sallyport.store.tables import GatewayKeyRow, OrganizationRow, UserRow, WorkspaceRow

GROUPS = ("organization", "workspace", "user", "api_key", "model", "provider")
"""Beside these, `header:<name>`: what callers said in an `X-Gateway-*` header."""
Interval = Literal["minute", "hour", "day"]
SECONDS: dict[Interval, int] = {"minute": 60, "hour": 3600, "day": 86400}
"""UTC days begin at multiples of theirs."""
COLUMNS = ("group", "name", "spend_usd", "notional_usd", "calls", "input_tokens", "output_tokens")
_MOST_ROWS = 100_000
_HEADER = "header:"

_NAMED: dict[str, tuple[Any, type[Any]]] = {
    "organization": (CallRow.organization_id, OrganizationRow),
    "workspace": (CallRow.workspace_id, WorkspaceRow),
    "user": (CallRow.user_id, UserRow),
    "api_key": (CallRow.api_key_id, GatewayKeyRow),
}


@dataclass(frozen=True, slots=True)
class Rollup:
    """`group` is an id, the name of a model or provider, or a header's value; None: calls that have none (an unknown key has no
    user). `start`: UTC seconds, where it is one interval's; `notional_nano`: what passed-through calls would have cost.
    """

    group: str | None
    name: str | None
    spend_nano: int
    calls: int
    input_tokens: int
    output_tokens: int
    notional_nano: int = 0
    start: float | None = None


def rollup(engine: Engine, group_by: str, filters: CallFilters = NO_FILTERS, interval: Interval | None = None) -> list[Rollup]:
    """Dearest first; with an `interval` the oldest first, and intervals without calls are left out. A call belongs to the time
    it started at. Raises Invalid.
    """
    group, table = _grouped(group_by)
    calls = select(
        group.label("group"),
        *((bucket(engine.dialect, SECONDS[interval]).label("bucket"),) if interval else ()),
        SPEND.label("spend"),
        case((CallRow.passthrough, CallRow.cost_nano), else_=0).label("notional"),
        CallRow.input_tokens,
        CallRow.output_tokens,
    )
    rows = calls.where(*filters.conditions()).subquery()
    name: Any = select(table.name).where(table.id == rows.c.group).correlate(rows).scalar_subquery() if table else null()
    by = [rows.c.group, *((rows.c.bucket,) if interval else ())]
    spend = func.sum(rows.c.spend)
    sums = (spend, func.count(), func.sum(rows.c.input_tokens), func.sum(rows.c.output_tokens), func.sum(rows.c.notional))
    order = (*by[1:], spend.desc(), rows.c.group)
    query = select(name, *sums, *by).group_by(*by).order_by(*order).limit(_MOST_ROWS + 1)
    with reading(engine) as connection:
        found = connection.execute(query).all()
    if len(found) > _MOST_ROWS:
        raise Invalid(f"that makes more than {_MOST_ROWS:,} rows; ask for a shorter time or a longer interval")
    return [_rollup(row, interval, named=table is not None) for row in found]


def _rollup(row: Any, interval: Interval | None, *, named: bool) -> Rollup:
    name, spend, calls, tokens_in, tokens_out, notional, group, *step = row
    start = float(int(step[0]) * SECONDS[interval]) if interval else None
    # PostgreSQL answers sums as Decimal; int() is exact.
    sums = (int(spend), int(calls), int(tokens_in), int(tokens_out), int(notional))
    return Rollup(group, name if named else group, *sums, start)


def rollup_json(row: Rollup) -> dict[str, Any]:
    """A rollup as the admin API and the command line show it."""
    start = {} if row.start is None else {"start": iso(row.start)}
    return start | {
        "group": row.group,
        "name": row.name,
        "spend_usd": nano_to_usd(row.spend_nano),
        "notional_usd": nano_to_usd(row.notional_nano),
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
    }


def period(window: str | None, start: float | None, end: float | None, now: float) -> tuple[float | None, float | None]:
    """From when to when (UTC seconds): the current `window` so far, or what is given; the current month where nothing is.

    Raises Invalid.
    """
    if window is not None and (start is not None or end is not None):
        raise Invalid("window: give either a window, or from and to")
    if start is not None and end is not None and start >= end:
        raise Invalid("from: must be before to")
    if start is None and end is None:
        start = window_start(window or "monthly", now)
    return start, end


def _grouped(group_by: str) -> tuple[ColumnElement[str | None], type[Any] | None]:
    """What to group by, and the table that has names for it."""
    if group_by.startswith(_HEADER) and (name := header_name(group_by.removeprefix(_HEADER))):
        return header_value(name), None
    if group_by not in GROUPS:
        raise Invalid(f"group_by: {group_by!r} is not known; use {', '.join(GROUPS)} or header:<name>")
    if group_by in _NAMED:
        return _NAMED[group_by]
    return cast(Any, CallRow.model if group_by == "model" else CallRow.provider), None
