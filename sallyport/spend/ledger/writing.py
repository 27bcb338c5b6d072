"""Writing to the ledger: each call once, whoever brings it how often."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, case

from sallyport.ids import new_id
from sallyport.store.call_tables import CallRow, ViolationRow
from sallyport.store.database import insert_into
from sallyport.store.triage import fingerprint
from sallyport.tracing.record import CallRecord, Fired

Link = Callable[[CallRecord], str | None]

_COLUMNS = frozenset(column.key for column in CallRow.__table__.columns)
_LATEST = ("at", "last_seen", "call_id", "detail", "langsmith_run_id", "trace_url")
"""What a repeat changes in its violation, beside the count."""


def insert_calls(connection: Connection, records: Sequence[CallRecord], link: Link | None = None) -> list[CallRecord]:
    """Append the calls, and the violations of those that are new; the answer is those. `link`: where a call's trace is seen."""
    records = [*{record.id: record for record in records}.values()]
    if not records:
        return []
    rows = [_call_row(record, link) for record in records]
    statement = insert_into(connection, CallRow).on_conflict_do_nothing(index_elements=["id"]).returning(CallRow.id)
    new_ids = set(connection.execute(statement, rows).scalars())
    new = [record for record in records if record.id in new_ids]
    _insert_violations(connection, new, link)
    return new


def _call_row(record: CallRecord, link: Link | None) -> dict[str, Any]:
    row = {name: value for name, value in asdict(record).items() if name in _COLUMNS}
    return row | {"headers": record.headers or None, "recorded_at": time.time()} | _trace(record, link)


def _trace(record: CallRecord, link: Link | None) -> dict[str, str | None]:
    """A call that is traced without a run id of its own is traced under its call id."""
    url = link(record) if link else None
    return {"langsmith_run_id": record.langsmith_run_id or (record.id if url else None), "trace_url": url}


def _insert_violations(connection: Connection, records: Iterable[CallRecord], link: Link | None) -> None:
    """One row for each policy and caller until it is resolved; a repeat is counted, and its call is the one shown."""
    rows: dict[str, dict[str, Any]] = {}
    for record in sorted(records, key=lambda record: record.started_at):
        for fired in record.fired:
            row = _violation_row(record, fired, link)
            earlier = rows.get(row["fingerprint"])
            if earlier is not None:
                row |= {"count": earlier["count"] + 1, "first_seen": earlier["first_seen"]}
            rows[row["fingerprint"]] = row
    if not rows:
        return
    statement = insert_into(connection, ViolationRow)
    new = statement.excluded
    later = new.last_seen >= ViolationRow.last_seen
    changes = {name: case((later, new[name]), else_=getattr(ViolationRow, name)) for name in _LATEST}
    changes["first_seen"] = case((new.first_seen < ViolationRow.first_seen, new.first_seen), else_=ViolationRow.first_seen)
    statement = statement.on_conflict_do_update(
        index_elements=["fingerprint"], set_={"count": ViolationRow.count + new["count"], **changes}
    )
    # Sorted: two recorders that lock the same rows in the same order can't deadlock.
    connection.execute(statement, [rows[name] for name in sorted(rows)])


def _violation_row(record: CallRecord, fired: Fired, link: Link | None) -> dict[str, Any]:
    return {
        "id": new_id(),
        "at": record.started_at,
        "call_id": record.id,
        **{name: value for name, value in asdict(fired).items() if name != "places"},
        "organization_id": record.organization_id,
        "workspace_id": record.workspace_id,
        "user_id": record.user_id,
        "api_key_id": record.api_key_id,
        "state": "open",
        "count": 1,
        "first_seen": record.started_at,
        "last_seen": record.started_at,
        "fingerprint": fingerprint(fired.policy_id, fired.action, record.api_key_id),
        **_trace(record, link),
    }
