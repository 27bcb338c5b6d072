"""Calls as the audit log has them: in the order they were recorded, and sealed in it by the digest of each stretch of them.

A seal is a row of the log, so the chain and the signed head cover the calls too: a changed, added or deleted one shows.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.orm import defer

from sallyport.store.base import Operations
from sallyport.store.call_tables import CallRow
from sallyport.store.database import reading
from sallyport.store.models import Actor, Page
from sallyport.store.paging import page
from sallyport.store.tables import AuditRow

SEAL = "invocations.seal"
_SETTLED_SECONDS = 10.0
"""What is younger may still get company: another recorder's transaction, or clock."""
_AT_ONCE = 1000
_SEALED = (
    "id", "started_at", "organization_id", "workspace_id", "user_id", "api_key_id", "client_ip", "provider", "model", "operation",
    "outcome", "status", "reason", "cost_nano", "matched", "violated", "redactions",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seal:
    """The calls that were recorded from `since` on and before `until` (UTC seconds)."""

    since: float
    until: float
    calls: int
    digest: str
    """SHA-256 over the calls, a line each."""


class InvocationOperations(Operations):
    def list_invocations(self, limit: int = 100, cursor: str | None = None) -> Page[CallRow]:
        """Oldest first, in the order they were recorded; `next_cursor` goes on with what comes later."""
        settled = (CallRow.recorded_at < time.time() - _SETTLED_SECONDS, *self.scope.where(CallRow.workspace_id))
        query = select(CallRow).where(*settled).options(defer(CallRow.inputs), defer(CallRow.outputs))
        with self._reading() as session:
            return page(session, query, (CallRow.recorded_at, CallRow.id), limit, cursor, lambda row: row, ascending=True)

    def seal_invocations(self, actor: Actor, now: float) -> Seal | None:
        """Seals what was recorded since the last seal; None: there was nothing."""
        with reading(self.engine) as connection:
            since = max((seal.until for _, seal in _seals(connection)), default=0.0)
            seal = _sealed(connection, since, now - _SETTLED_SECONDS)
        if not seal.calls:
            return None
        with self._changing(actor, SEAL, "invocations", in_snapshot=False) as change:
            change.after = seal
        return seal

    def broken_seal(self) -> int | None:
        """The row of the first seal that its calls don't fit any more; None: all do. Reads every call."""
        with reading(self.engine) as connection:
            for seq, seal in list(_seals(connection)):
                if _sealed(connection, seal.since, seal.until) != seal:
                    return seq
        return None


def _seals(connection: Connection) -> Iterator[tuple[int, Seal]]:
    query = select(AuditRow.seq, AuditRow.after).where(AuditRow.operation == SEAL, AuditRow.success).order_by(AuditRow.seq)
    for seq, after in connection.execute(query):
        values = cast(dict[str, Any], after)
        yield seq, Seal(values["since"], values["until"], values["calls"], values["digest"])


def _sealed(connection: Connection, since: float, until: float) -> Seal:
    columns = [getattr(CallRow, name) for name in _SEALED]
    query = select(*columns).where(CallRow.recorded_at >= since, CallRow.recorded_at < until)
    digest, calls = hashlib.sha256(), 0
    for row in connection.execution_options(yield_per=_AT_ONCE).execute(query.order_by(CallRow.recorded_at, CallRow.id)):
        digest.update(orjson.dumps(list(row)) + b"\n")
        calls += 1
    return Seal(since, until, calls, digest.hexdigest())
