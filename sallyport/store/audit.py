"""The audit log: append-only, each row's hash covers the row before it, and the newest hash is signed and kept apart.

A changed, inserted, reordered or deleted row breaks the chain; deleting the newest rows breaks the signed head. The signature's
key derives from the master key: who can write to the database alone can't sign. A head that doesn't verify is never signed anew.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, insert, select

from sallyport.store import meta
from sallyport.store.models import Actor, AuditVerdict
from sallyport.store.tables import AuditRow

GENESIS = "0" * 64
"""What the first row is chained to."""

COLUMNS = AuditRow.__table__.columns
LATER = frozenset({"workspace_id"})
_HASHED = tuple(column.name for column in COLUMNS if column.name != "hash")


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row."""

    seq: int
    hash: str

    def sign(self, key: bytes) -> str:
        """What is stored of it."""
        signature = hmac.new(key, f"{self.seq}:{self.hash}".encode(), hashlib.sha256).hexdigest()
        return f"{self.seq}:{self.hash}:{signature}"

    @classmethod
    def verify(cls, stored: str | None, key: bytes) -> Head | None:
        """The head, or None when it is missing or signed with another key."""
        seq, _, rest = (stored or "").partition(":")
        if not seq.isdecimal():
            return None
        head = cls(int(seq), rest.partition(":")[0])
        return head if hmac.compare_digest(head.sign(key).encode(), (stored or "").encode()) else None


EMPTY = Head(0, GENESIS)


def append(
    connection: Connection,
    key: bytes,
    actor: Actor,
    operation: str,
    resource_type: str,
    resource_id: str | None,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    success: bool,
    workspace_id: str | None = None,
) -> None:
    """Adds a row in the caller's transaction. `before` and `after` must hold no secret."""
    head = Head.verify(meta.read(connection, meta.AUDIT_HEAD, lock=True), key)
    newest = connection.execute(select(AuditRow.seq, AuditRow.hash).order_by(AuditRow.seq.desc()).limit(1)).first()
    last = head or (Head(newest.seq, newest.hash) if newest else EMPTY)
    values: dict[str, Any] = {
        "seq": max(last.seq, newest.seq if newest else 0) + 1,
        "at": time.time(),
        "actor": actor.name,
        "source_ip": actor.source_ip,
        "operation": operation,
        "resource_type": resource_type,
        "resource_id": resource_id,
        "before": before,
        "after": after,
        "success": success,
        "workspace_id": workspace_id,
        "prev_hash": last.hash,
    }
    values["hash"] = row_hash(values)
    connection.execute(insert(AuditRow).values(values))
    if head is not None:
        meta.write(connection, meta.AUDIT_HEAD, Head(values["seq"], values["hash"]).sign(key))


def verify(connection: Connection, key: bytes) -> AuditVerdict:
    """Walks the whole log. What it can't notice: the database put back, whole, to an older state."""
    rows = connection.scalar(select(func.count()).select_from(AuditRow)) or 0
    last = EMPTY
    for row in connection.execution_options(yield_per=500).execute(select(*COLUMNS).order_by(AuditRow.seq)):
        if row.seq != last.seq + 1 or row.prev_hash != last.hash or row.hash != _recomputed(row):
            return {"ok": False, "rows": rows, "broken_at": last.seq + 1}
        last = Head(row.seq, row.hash)
    head = Head.verify(meta.read(connection, meta.AUDIT_HEAD), key)
    if head == last:
        return {"ok": True, "rows": rows, "broken_at": None}
    return {"ok": False, "rows": rows, "broken_at": last.seq + 1 if head and head.seq > last.seq else last.seq}


def _recomputed(row: Row[Any]) -> str:
    return row_hash({name: getattr(row, name) for name in _HASHED})


def row_hash(values: dict[str, Any]) -> str:
    """SHA-256 over the row as JSON with sorted keys; `prev_hash` is one of them."""
    return hashlib.sha256(orjson.dumps(written(values), option=orjson.OPT_SORT_KEYS)).hexdigest()


def written(values: dict[str, Any]) -> dict[str, Any]:
    """What is hashed and exported: a field that came later stands there only where it says something; older rows have none."""
    return {name: value for name, value in values.items() if name not in LATER or value is not None}
