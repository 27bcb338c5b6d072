import json

from sallyport.paths import DataDir
from sallyport.spend.ledger import insert_calls
from sallyport.store.database import open_database, writing
from sallyport.tracing.record import CallRecord
from tests.sallyport.cli.support import Run

TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


def test_a_text_is_printed_as_it_would_leave(run: Run):
    done = run("redact", stdin=f"ada@example.com has {TOKEN}\n")
    assert done.exit_code == 0
    assert done.stdout.startswith("[SAFE_TO_USE:EMAIL_")
    assert TOKEN not in done.stdout + done.stderr
    assert "GITHUB_PAT × 1 at /text" in done.stderr
    tried = json.loads(run("redact", "--no-secrets", "--json", stdin=f"ada@example.com has {TOKEN}").stdout)
    assert TOKEN in tried["text"]
    assert tried["counts"] == {"EMAIL": 1}


def test_recorded_calls_are_replayed(data: DataDir, run: Run):
    assert "trace_content" in run("replay").stdout
    engine = open_database(data.database)
    inputs = {"messages": [{"content": "[SAFE_TO_USE:GITHUB_PAT_aB3dE5gH]"}]}
    with writing(engine) as connection:
        insert_calls(connection, [CallRecord(id="c", started_at=1.0, organization_id="default", inputs=inputs)])
    engine.dispose()
    assert "1 of 1 recorded calls would have been changed" in run("replay").stdout
    assert json.loads(run("replay", "--json").stdout)["examples"] == ["c"]
    assert "0 of 1" in run("replay", "--no-secrets").stdout
