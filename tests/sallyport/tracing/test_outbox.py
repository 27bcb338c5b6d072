from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sallyport.ids import new_id
from sallyport.store.database import open_database, writing
from sallyport.tracing import outbox
from sallyport.tracing.record import CallRecord

NOW = 1_000_000.0


@pytest.fixture
def engine(database: str | Path) -> Iterator[Engine]:
    engine = open_database(database)
    yield engine
    engine.dispose()


def put(engine: Engine, count: int = 1, *, lane: str = "lane", sink: str = "sink") -> list[CallRecord]:
    records = [CallRecord(id=new_id(), started_at=time.time() + index, model="gpt") for index in range(count)]
    records.sort(key=lambda record: record.id)
    with writing(engine) as connection:
        outbox.put(connection, sink, [(lane, record) for record in records])
    return records


def test_what_was_put_comes_out_once(engine: Engine) -> None:
    records = put(engine, 3)
    assert outbox.lanes(engine, "sink") == {"lane"}
    assert outbox.claim(engine, "sink", "lane", NOW) == records
    assert outbox.claim(engine, "sink", "lane", NOW) == []
    outbox.done(engine, "sink", "lane", [record.id for record in records])
    assert outbox.lanes(engine, "sink") == set()
    assert outbox.waiting(engine, "sink") == (0, 0)


def test_a_claim_ends_by_release_or_by_time(engine: Engine) -> None:
    (record,) = put(engine)
    assert outbox.claim(engine, "sink", "lane", NOW) == [record]
    outbox.release(engine, "sink", "lane", [record.id])
    assert outbox.claim(engine, "sink", "lane", NOW) == [record]
    assert outbox.claim(engine, "sink", "lane", NOW + 1000) == [record]


def test_lanes_and_sinks_are_apart(engine: Engine) -> None:
    (ours,), (other,), (elsewhere,) = put(engine), put(engine, lane="other"), put(engine, sink="elsewhere")
    assert outbox.claim(engine, "sink", "lane", NOW) == [ours]
    assert outbox.claim(engine, "sink", "other", NOW) == [other]
    assert outbox.claim(engine, "elsewhere", "lane", NOW) == [elsewhere]


def test_putting_a_record_again_changes_nothing(engine: Engine) -> None:
    (record,) = put(engine)
    with writing(engine) as connection:
        outbox.put(connection, "sink", [("lane", record)])
    assert outbox.claim(engine, "sink", "lane", NOW) == [record]


def test_a_batch_is_bounded_in_records_and_bytes(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    records = put(engine, outbox.BATCH_RECORDS + 1)
    assert len(outbox.claim(engine, "sink", "lane", NOW)) == outbox.BATCH_RECORDS
    monkeypatch.setattr(outbox, "BATCH_BYTES", 1)
    assert outbox.claim(engine, "sink", "lane", NOW) == records[-1:]


def test_the_oldest_go_when_there_is_too_much(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    records = put(engine, 5)
    assert outbox.trim(engine, "sink") == 0
    monkeypatch.setattr(outbox, "MOST_RECORDS", 3)
    assert outbox.trim(engine, "sink") == 2
    _, bytes_ = outbox.waiting(engine, "sink")
    monkeypatch.setattr(outbox, "MOST_BYTES", bytes_ - 1)
    assert outbox.trim(engine, "sink") == 1
    assert outbox.claim(engine, "sink", "lane", NOW) == records[3:]
