"""On SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from sallyport.spend import ledger
from sallyport.spend.ledger import CallFilters
from sallyport.spend.ledger.writing import Link
from sallyport.store.database import open_database, reading, writing
from sallyport.store.errors import Invalid, NotFound
from sallyport.store.tables import GatewayKeyRow, OrganizationRow, UserRow, WorkspaceRow
from sallyport.tracing.record import CallRecord, Fired, PolicyRef


@pytest.fixture
def engine(database: str | Path) -> Iterator[Engine]:
    engine = open_database(database)
    yield engine
    engine.dispose()


def call(number: int, at: float = 1000.0, **fields: Any) -> CallRecord:
    return CallRecord(id=f"0000-{number:04}", started_at=at, organization_id="acme", **fields)


def record(engine: Engine, *records: CallRecord, link: Link | None = None) -> list[str]:
    with writing(engine) as connection:
        return [record.id for record in ledger.insert_calls(connection, records, link)]


def seen_at(record: CallRecord) -> str:
    return f"https://ls/{record.id}"


def seen_nowhere(_: CallRecord) -> None:
    return None


def test_a_call_is_kept_once_and_as_it_came_first(engine: Engine) -> None:
    assert record(engine, call(1, cost_nano=5), call(2), call(1, cost_nano=7)) == ["0000-0001", "0000-0002"]
    assert record(engine, call(2), call(3)) == ["0000-0003"]
    assert record(engine) == []
    assert [row.id for row in ledger.list_calls(engine).items] == ["0000-0003", "0000-0002", "0000-0001"]


def test_a_call_shows_what_the_contract_lists(engine: Engine) -> None:
    record(
        engine,
        call(
            1,
            at=1795470564.25,
            provider="openai",
            model="gpt",
            operation="chat",
            workspace_id="w",
            status=200,
            input_tokens=10,
            cost_nano=1_000_000_012,
            matched=[PolicyRef("p", "cap")],
            redactions={"EMAIL": 1},
            inputs={"messages": []},
        ),
        link=seen_at,
    )
    row = ledger.get_call(engine, "0000-0001")
    assert row.inputs == {"messages": []}
    shown = ledger.call_json(row)
    contract = """id started_at provider model operation organization_id workspace_id user_id api_key_id way_in outcome status
        stream input_tokens output_tokens cache_read_tokens cache_write_tokens reasoning_tokens cost_usd estimated unpriced
        duration_ms gateway_ms first_token_ms policies redactions langsmith_run_id trace_url"""
    assert set(contract.split()) <= set(shown)
    assert shown["started_at"] == "2026-11-23T21:49:24.250000Z"
    assert shown["cost_usd"] == "1.000000012"
    assert shown["policies"] == {"matched": [{"id": "p", "name": "cap"}], "violated": []}
    assert (shown["langsmith_run_id"], shown["trace_url"]) == ("0000-0001", "https://ls/0000-0001")
    with pytest.raises(NotFound):
        ledger.get_call(engine, "nonsense")


def test_a_call_that_is_traced_nowhere_names_no_run(engine: Engine) -> None:
    record(engine, call(1), link=seen_nowhere)
    shown = ledger.call_json(ledger.get_call(engine, "0000-0001"))
    assert (shown["langsmith_run_id"], shown["trace_url"]) == (None, None)


def test_pages_go_on_where_the_last_one_ended_whatever_comes_in_front(engine: Engine) -> None:
    record(engine, *(call(number, at=1000.1 + number // 2) for number in range(7)))
    page = ledger.list_calls(engine, limit=3)
    seen = [row.id for row in page.items]
    record(engine, call(100, at=9999.0))
    while page.next_cursor:
        page = ledger.list_calls(engine, limit=3, cursor=page.next_cursor)
        seen += [row.id for row in page.items]
    assert seen == [f"0000-{number:04}" for number in reversed(range(7))]


@pytest.mark.parametrize("cursor", ["", "x", "!!!", "WzEsMl0", "W10"])
def test_a_cursor_of_another_make_is_refused(engine: Engine, cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        ledger.list_calls(engine, cursor=cursor)
    with pytest.raises(Invalid, match="limit"):
        ledger.list_violations(engine, limit=0)


@pytest.mark.parametrize(
    "filters",
    [
        {"provider": "openai"},
        {"model": "gpt"},
        {"workspace_id": "w"},
        {"user_id": "u"},
        {"api_key_id": "k"},
        {"outcome": "blocked"},
        {"start": 2000.0},
        {"start": 2000.0, "end": 2000.5},
    ],
)
def test_filters_narrow(engine: Engine, filters: dict[str, Any]) -> None:
    wanted = call(1, at=2000.0, provider="openai", model="gpt", workspace_id="w", user_id="u", api_key_id="k", outcome="blocked")
    record(engine, wanted, call(2, at=1999.9))
    assert [row.id for row in ledger.list_calls(engine, CallFilters(**filters)).items] == ["0000-0001"]


def fired(policy: str = "p", action: Any = "blocked", detail: str = "") -> Fired:
    return Fired(policy, f"policy {policy}", "spend_cap", action, detail)


def test_repeats_of_a_violation_are_counted_and_the_latest_call_shown(engine: Engine) -> None:
    record(engine, call(1, at=10.0, api_key_id="k", fired=[fired(detail="first")]))
    [first] = ledger.list_violations(engine).items
    record(
        engine,
        call(2, at=30.0, api_key_id="k", langsmith_run_id="run", fired=[fired(detail="latest")]),
        call(3, at=20.0, api_key_id="k", fired=[fired()]),
    )
    record(engine, call(4, at=5.0, api_key_id="k", fired=[fired(detail="late to arrive")]))
    record(engine, call(2, at=30.0, api_key_id="k", fired=[fired()]))  # seen already: no repeat
    [shown] = [ledger.violation_json(row) for row in ledger.list_violations(engine).items]
    assert shown["id"] == first.id
    assert (shown["count"], shown["call_id"], shown["detail"], shown["state"]) == (4, "0000-0002", "latest", "open")
    assert (shown["first_seen"], shown["last_seen"]) == ("1970-01-01T00:00:05.000000Z", "1970-01-01T00:00:30.000000Z")
    assert (shown["at"], shown["langsmith_run_id"]) == (shown["last_seen"], "run")


def test_violations_of_different_keys_policies_and_actions_stand_apart(engine: Engine) -> None:
    record(
        engine,
        call(1, api_key_id="k", workspace_id="w", fired=[fired("p"), fired("q"), fired("p", "redacted")]),
        call(2, api_key_id="l", fired=[fired("p")]),
        call(3, fired=[fired("p")]),
    )
    assert len(ledger.list_violations(engine).items) == 5
    assert len(ledger.list_violations(engine, policy_id="q").items) == 1
    assert len(ledger.list_violations(engine, workspace_id="w").items) == 3
    assert ledger.list_violations(engine, state="resolved").items == []
    page = ledger.list_violations(engine, limit=4)
    rest = ledger.list_violations(engine, limit=4, cursor=page.next_cursor)
    assert len({row.id for row in [*page.items, *rest.items]}) == 5
    assert ledger.get_violation(engine, page.items[0].id).id == page.items[0].id
    with pytest.raises(NotFound):
        ledger.get_violation(engine, "nonsense")


def people(engine: Engine) -> None:
    with writing(engine) as connection:
        times = {"created_at": 0.0, "updated_at": 0.0}
        connection.execute(insert(OrganizationRow).values(id="acme", name="Acme", created_at=0.0))
        workspace = {"id": "w", "organization_id": "acme", "name": "Research", "data_key": b"", **times}
        connection.execute(insert(WorkspaceRow).values(**workspace, credentials="replace", trace_content="none"))
        connection.execute(insert(UserRow).values(id="u", organization_id="acme", name="Uma", **times))
        key = {"id": "k", "name": "laptop", "prefix": "sp_x", "hash": b"h", "workspace_id": "w", "created_at": 0.0}
        connection.execute(insert(GatewayKeyRow).values(**key))


@pytest.mark.parametrize(
    ("group_by", "group", "name"),
    [
        ("organization", "acme", "Acme"),
        ("workspace", "w", "Research"),
        ("user", "u", "Uma"),
        ("api_key", "k", "laptop"),
        ("model", "gpt", "gpt"),
        ("provider", "openai", "openai"),
    ],
)
def test_spend_adds_up_exactly_and_has_names(engine: Engine, group_by: Any, group: str, name: str) -> None:
    people(engine)
    who: dict[str, Any] = {"workspace_id": "w", "user_id": "u", "api_key_id": "k", "provider": "openai", "model": "gpt"}
    dear = 9_007_199_254_740_993  # no double can hold it
    record(
        engine,
        call(1, **who, cost_nano=dear, input_tokens=3, output_tokens=2),
        call(2, **who, cost_nano=1, input_tokens=4),
        call(3, **who, cost_nano=1000, passthrough=True),
        call(4, at=99999.0, **who, cost_nano=1000),
    )
    [row] = ledger.rollup(engine, group_by, CallFilters(end=5000.0))
    assert (row.group, row.name, row.spend_nano) == (group, name, dear + 1)
    assert (row.calls, row.input_tokens, row.output_tokens) == (3, 7, 2)
    assert row.notional_nano == 1000


def test_spend_by_what_callers_said_in_a_header(engine: Engine) -> None:
    record(engine, call(1, headers={"team": 'bl"ue', "x": "y"}, cost_nano=3), call(2, headers={"team": "red"}, cost_nano=4))
    record(engine, call(3, cost_nano=5), call(4, headers={"x": "y"}, cost_nano=6))
    rows = [(row.group, row.name, row.spend_nano) for row in ledger.rollup(engine, "header:Team")]
    assert rows == [(None, None, 11), ("red", "red", 4), ('bl"ue', 'bl"ue', 3)]


def test_spend_over_time_is_split_at_utc_hours_and_days_and_adds_up(engine: Engine) -> None:
    day, hour = 1_795_392_000.0, 3600  # 2026-11-23 00:00 UTC
    times = [day - 0.25, day, day + hour - 0.001, day + hour, day + 86400]
    record(engine, *(call(number, at=at, model="gpt", cost_nano=10**number) for number, at in enumerate(times)))
    by_hour = [(row.start, row.spend_nano) for row in ledger.rollup(engine, "model", interval="hour")]
    assert by_hour == [(day - hour, 1), (day, 110), (day + hour, 1000), (day + 86400, 10000)]
    by_day = [(row.start, row.spend_nano) for row in ledger.rollup(engine, "model", interval="day")]
    assert by_day == [(day - 86400, 1), (day, 1110), (day + 86400, 10000)]
    assert sum(nano for _, nano in by_hour) == ledger.rollup(engine, "organization")[0].spend_nano


@pytest.mark.parametrize("group_by", ["planet", "header:", "", "model; DROP TABLE calls"])
def test_an_unknown_group_is_refused(engine: Engine, group_by: str) -> None:
    with pytest.raises(Invalid, match="group_by"):
        ledger.rollup(engine, group_by)


def test_rollups_are_dearest_first_and_hold_callers_without_a_name(engine: Engine) -> None:
    record(engine, call(1, user_id="u", cost_nano=1), call(2, user_id="v", cost_nano=5), call(3))
    assert [(row.group, row.name, row.spend_nano) for row in ledger.rollup(engine, "user")] == [
        ("v", None, 5),
        ("u", None, 1),
        (None, None, 0),
    ]
    assert ledger.rollup(engine, "user", CallFilters(provider="none")) == []


def test_sums_by_caller_and_header(engine: Engine) -> None:
    record(
        engine,
        call(1, at=100.0, workspace_id="w", user_id="u", api_key_id="k", cost_nano=1),
        call(2, at=200.0, workspace_id="w", user_id="u", api_key_id="k", cost_nano=2),
        call(3, at=200.0, workspace_id="w", api_key_id="l", cost_nano=4),
        call(4, at=200.0, workspace_id="w", api_key_id="l", cost_nano=8, passthrough=True),
        CallRecord(id="other", started_at=200.0, organization_id="other", cost_nano=16),
    )
    record(engine, call(5, at=200.0, workspace_id="w", api_key_id="l", cost_nano=32, headers={"team": "bl'ue", "x": "1"}))
    with reading(engine) as connection:
        day, hour = (ledger.sums_between(connection, "acme", start, 300.0) for start in (0.0, 200.0))
        by_team = ledger.sums_between(connection, "acme", 0.0, 300.0, ["team", "other"])
        assert ledger.sums_between(connection, "acme", 300.0, 400.0) == []
    assert {(entry.user_id, entry.api_key_id, entry.spend_nano) for entry in day} == {("u", "k", 3), (None, "l", 36)}
    assert {(entry.user_id, entry.api_key_id, entry.spend_nano) for entry in hour} == {("u", "k", 2), (None, "l", 36)}
    assert [(entry.spend_nano, entry.headers) for entry in by_team if entry.headers] == [(32, {"team": "bl'ue"})]
    assert sum(entry.spend_nano for entry in by_team) == 39
