"""What was spent, as a table, as bars, as JSON and as CSV."""

from __future__ import annotations

import json

import pytest

from sallyport.paths import DataDir
from sallyport.spend.ledger import insert_calls
from sallyport.store.database import open_database, writing
from sallyport.tracing.record import CallRecord
from tests.sallyport.cli.support import Run

MONDAY = 1_795_392_000.0
"""2026-11-23, 00:00 UTC."""
DAY = ("--from", "2026-11-23", "--to", "2026-11-24")


@pytest.fixture(autouse=True)
def spent(data: DataDir) -> None:
    engine = open_database(data.database)
    calls = [
        CallRecord("1", MONDAY, organization_id="default", model="gpt", cost_nano=1_000_000_000, headers={"team": "blue"}),
        CallRecord("2", MONDAY + 7200, organization_id="default", model="claude", cost_nano=500_000_000),
        CallRecord("3", MONDAY + 7200, organization_id="default", model="claude", cost_nano=1, passthrough=True),
    ]
    with writing(engine) as connection:
        insert_calls(connection, calls)
    engine.dispose()


def test_a_table_and_json_of_any_time_and_group(run: Run) -> None:
    assert "gpt" in run("spend", "--by", "model", *DAY).stdout
    rows = json.loads(run("spend", "--by", "header:team", *DAY, "--json").stdout)
    assert [(row["group"], row["spend_usd"], row["notional_usd"]) for row in rows] == [
        ("blue", "1", "0"),
        (None, "0.5", "0.000000001"),
    ]
    by_hour = json.loads(run("spend", "--by", "model", *DAY, "--interval", "hour", "--json").stdout)
    assert [(row["start"][11:16], row["group"]) for row in by_hour] == [("00:00", "gpt"), ("02:00", "claude")]


def test_bars_are_as_long_as_what_was_spent(run: Run) -> None:
    lines = run("spend", "--by", "model", *DAY, "--chart").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["gpt", "1"], ["claude", "0.5"]]
    assert lines[0].count("█") // 2 == lines[1].count("█") > 0
    over_time = run("spend", *DAY, "--interval", "hour", "--chart").stdout.splitlines()
    assert [line[:16] for line in over_time] == ["2026-11-23 00:00", "2026-11-23 02:00"]


def test_csv_for_spreadsheets(run: Run) -> None:
    lines = run("spend", "--by", "model", *DAY, "--csv").stdout.splitlines()
    assert lines[0] == "group,name,spend_usd,notional_usd,calls,input_tokens,output_tokens"
    assert lines[1] == "gpt,gpt,1,0,1,0,0"


def test_what_can_not_be_meant_is_one_line(run: Run) -> None:
    for wrong in (
        ("--by", "planet"),
        ("--window", "daily", "--from", "2026-01-01"),
        ("--from", "2026-01-02", "--to", "2026-01-01"),
    ):
        failed = run("spend", *wrong)
        assert failed.exit_code == 2
        assert len(failed.stderr.strip().splitlines()) == 1
