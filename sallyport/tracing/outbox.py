"""Traces on their way, in SQL: written in the transaction of their calls, so none is lost, and gone when their sink has them.

Everything here blocks on SQL: call it in a thread, never on an event loop.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select, update

from sallyport.store.database import insert_into, reading, writing
from sallyport.store.trace_tables import TraceRow
from sallyport.tracing.record import CallRecord

MOST_RECORDS = 500_000
MOST_BYTES = 1024 * 1024 * 1024
"""What may wait for one sink; beyond it the oldest go."""
BATCH_RECORDS = 100
BATCH_BYTES = 10 * 1024 * 1024  # LangSmith takes 20 MB
_CLAIM_SECONDS = 120.0


def put(connection: Connection, sink: str, records: Iterable[tuple[str, CallRecord]]) -> None:
    """Records, each with its lane. One that waits already is left as it is."""
    rows = [_row(sink, lane, record) for lane, record in records]
    if rows:
        connection.execute(insert_into(connection, TraceRow).on_conflict_do_nothing(), rows)


def lanes(engine: Engine, sink: str) -> set[str]:
    """Those in which something waits."""
    with reading(engine) as connection:
        return set(connection.execute(select(TraceRow.lane).where(TraceRow.sink == sink).distinct()).scalars())


def claim(engine: Engine, sink: str, lane: str, now: float) -> list[CallRecord]:
    """The lane's next batch, oldest first, for us alone until a claim runs out. `now`: UTC seconds."""
    free = (TraceRow.sink == sink, TraceRow.lane == lane, TraceRow.claimed_until <= now)
    first = select(TraceRow.call_id, TraceRow.size).where(*free).order_by(TraceRow.call_id).limit(BATCH_RECORDS)
    with writing(engine) as connection:
        ids: list[str] = []
        bytes_ = 0
        for call_id, size in connection.execute(first.with_for_update(skip_locked=True)):
            bytes_ += size
            if ids and bytes_ > BATCH_BYTES:
                break
            ids.append(call_id)
        if not ids:
            return []
        ours = (TraceRow.sink == sink, TraceRow.lane == lane, TraceRow.call_id.in_(ids))
        connection.execute(update(TraceRow).where(*ours).values(claimed_until=now + _CLAIM_SECONDS))
        found = connection.execute(select(TraceRow.record).where(*ours).order_by(TraceRow.call_id)).scalars()
        return [CallRecord.from_json(zlib.decompress(record)) for record in found]


def release(engine: Engine, sink: str, lane: str, call_ids: Collection[str]) -> None:
    """They could not be delivered: whoever is next may try."""
    with writing(engine) as connection:
        connection.execute(update(TraceRow).where(*_these(sink, lane, call_ids)).values(claimed_until=0.0))


def done(engine: Engine, sink: str, lane: str, call_ids: Collection[str]) -> None:
    """Their sink has them, or never will."""
    with writing(engine) as connection:
        connection.execute(delete(TraceRow).where(*_these(sink, lane, call_ids)))


def waiting(engine: Engine, sink: str) -> tuple[int, int]:
    """How many records wait, and how many bytes."""
    query = select(func.count(), func.coalesce(func.sum(TraceRow.size), 0)).where(TraceRow.sink == sink)
    with reading(engine) as connection:
        records, bytes_ = connection.execute(query).one()
    return records, int(bytes_)


def trim(engine: Engine, sink: str) -> int:
    """Drop the oldest of what is too much to keep; how many went."""
    records, bytes_ = waiting(engine, sink)
    if records <= MOST_RECORDS and bytes_ <= MOST_BYTES:
        return 0
    oldest = select(TraceRow.lane, TraceRow.call_id, TraceRow.size).where(TraceRow.sink == sink).order_by(TraceRow.call_id)
    dropped = 0
    with writing(engine) as connection:
        for lane, call_id, size in connection.execute(oldest).all():
            if records <= MOST_RECORDS and bytes_ <= MOST_BYTES:
                break
            connection.execute(delete(TraceRow).where(*_these(sink, lane, [call_id])))
            records, bytes_, dropped = records - 1, bytes_ - size, dropped + 1
    return dropped


def _these(sink: str, lane: str, call_ids: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (TraceRow.sink == sink, TraceRow.lane == lane, TraceRow.call_id.in_(call_ids))


def _row(sink: str, lane: str, record: CallRecord) -> dict[str, str | bytes | int]:
    data = record.to_json()
    return {"sink": sink, "lane": lane, "call_id": record.id, "record": zlib.compress(data, 1), "size": len(data)}
