"""What was spent, as a table, as bars, as JSON and as CSV."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sallyport.paths import DataDir
from sallyport.spend.ledger import insert_calls
from sallyport.spend.prices import use_price_file
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


def test_history_by_other_prices(run: Run, tmp_path: Path, data: DataDir) -> None:
    engine = open_database(data.database)
    with writing(engine) as connection:
        insert_calls(
            connection,
            [
                CallRecord(
                    "4", MONDAY, organization_id="default", provider="openai", model="gpt-4o", input_tokens=10**6, cost_nano=5
                )
            ],
        )
    engine.dispose()
    file = tmp_path / "prices.toml"
    file.write_text('[[prices]]\nprovider="openai"\nmodel="gpt-4o"\neffective_from=2026-01-01\ninput="3"\noutput="8"\n')
    done = run("spend", "reprice", *DAY, "--prices", str(file), "--json")
    use_price_file(())
    row = next(row for row in json.loads(done.stdout) if row["model"] == "gpt-4o")
    assert (row["charged_usd"], row["repriced_usd"], row["difference_usd"]) == ("0.000000005", "3", "2.999999995")
    assert "nothing was changed" in done.stderr


def test_what_can_not_be_meant_is_one_line(run: Run) -> None:
    for wrong in (
        ("--by", "planet"),
        ("--window", "daily", "--from", "2026-01-01"),
        ("--from", "2026-01-02", "--to", "2026-01-01"),
    ):
        failed = run("spend", *wrong)
        assert failed.exit_code == 2
        assert len(failed.stderr.strip().splitlines()) == 1
