"""Reading calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, select
from sqlalchemy.orm import Session, defer

from sallyport.money import nano_to_usd
from sallyport.store.call_tables import CallRow
from sallyport.store.database import reading
from sallyport.store.models import Page
from sallyport.store.ownership import found
from sallyport.store.paging import page
from sallyport.store.roles import EVERYTHING, Scope

_EQUAL = ("provider", "model", "organization_id", "workspace_id", "user_id", "api_key_id", "session_id", "outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilters:
    """Which calls; None: any. Times are UTC seconds, `start` included, `end` not."""

    provider: str | None = None
    model: str | None = None
    organization_id: str | None = None
    workspace_id: str | None = None
    user_id: str | None = None
    api_key_id: str | None = None
    outcome: str | None = None
    session_id: str | None = None
    start: float | None = None
    end: float | None = None
    scope: Scope = EVERYTHING

    def conditions(self) -> list[ColumnElement[bool]]:
        conditions = [getattr(CallRow, name) == getattr(self, name) for name in _EQUAL if getattr(self, name) is not None]
        if self.start is not None:
            conditions.append(CallRow.started_at >= self.start)
        if self.end is not None:
            conditions.append(CallRow.started_at < self.end)
        return [*conditions, *self.scope.where(CallRow.workspace_id)]


NO_FILTERS = CallFilters()


def list_calls(engine: Engine, filters: CallFilters = NO_FILTERS, limit: int = 100, cursor: str | None = None) -> Page[CallRow]:
    """Newest first, without bodies. Raises Invalid for a bad limit or cursor."""
    # The columns that hold bodies are left out: a page of them could be gigabytes.
    query = select(CallRow).where(*filters.conditions()).options(defer(CallRow.inputs), defer(CallRow.outputs))
    with reading(engine) as connection, Session(connection) as session:
        return page(session, query, (CallRow.started_at, CallRow.id), limit, cursor, lambda row: row)


def get_call(engine: Engine, call_id: str, scope: Scope = EVERYTHING) -> CallRow:
    """Raises NotFound."""
    with reading(engine) as connection, Session(connection) as session:
        return found(session, CallRow, call_id, "call", scope)


def iso(seconds: float) -> str:
    """UTC seconds as RFC 3339, to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def call_json(row: CallRow) -> dict[str, Any]:
    """A call as the admin API shows it."""
    return {
        "id": row.id,
        "started_at": iso(row.started_at),
        "provider": row.provider,
        "model": row.model,
        "operation": row.operation,
        "organization_id": row.organization_id,
        "workspace_id": row.workspace_id,
        "user_id": row.user_id,
        "api_key_id": row.api_key_id,
        "way_in": row.way_in,
        "outcome": row.outcome,
        "status": row.status,
        "reason": row.reason,
        "stream": row.stream,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cache_read_tokens": row.cache_read_tokens,
        "cache_write_tokens": row.cache_write_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "usage": row.usage or {},
        "cost_usd": nano_to_usd(row.cost_nano),
        "estimated": row.estimated,
        "unpriced": row.unpriced,
        "passthrough": row.passthrough,
        "attempt": row.attempt,
        "attempt_of": row.attempt_of,
        "provider_key": row.provider_key,
        "duration_ms": _microseconds(row.duration_ms),
        "gateway_ms": _microseconds(row.gateway_ms),
        "first_token_ms": _microseconds(row.first_token_ms),
        "policies": {"matched": row.matched, "violated": row.violated},
        "redactions": row.redactions,
        "headers": row.headers or {},
        "session_id": row.session_id,
        "langsmith_run_id": row.langsmith_run_id,
        "trace_url": row.trace_url,
    }


def _microseconds(milliseconds: float | None) -> float | None:
    """No digits beyond what was measured."""
    return None if milliseconds is None else round(milliseconds, 3)
