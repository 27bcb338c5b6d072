import json

import pytest

from sallyport.paths import DataDir
from sallyport.spend.ledger import insert_calls
from sallyport.store.database import open_database, writing
from sallyport.tracing.record import CallRecord, Fired
from tests.sallyport.cli.support import Run


@pytest.fixture
def violation(data: DataDir, run: Run) -> str:
    engine = open_database(data.database)
    fired = Fired("p", "Budget", "spend_cap", "blocked", "cap reached")
    with writing(engine) as connection:
        insert_calls(connection, [CallRecord(id="c", started_at=1.0, organization_id="default", fired=[fired])])
    engine.dispose()
    return json.loads(run("violations", "list", "--json").stdout)[0]["id"]


def test_a_violation_is_triaged_from_the_command_line(run: Run, violation: str):
    assert "is acknowledged" in run("violations", "ack", violation, "--assignee", "Ada").stdout
    assert run("violations", "comment", violation, "Asked the team.").exit_code == 0
    shown = json.loads(run("violations", "show", violation, "--json").stdout)
    assert (shown["state"], shown["assignee"], shown["call_id"]) == ("acknowledged", "Ada", "c")
    assert "Raise the cap" in shown["next_step"]
    assert [comment["text"] for comment in shown["comments"]] == ["Asked the team."]
    assert shown["comments"][0]["author"].startswith("cli:")
    assert run("violations", "resolve", violation).exit_code == 0
    assert "Budget" in run("violations", "list", "--state", "resolved").stdout
    assert "no violations" in run("violations", "list", "--state", "open").stderr
    assert "is open" in run("violations", "reopen", violation).stdout


def test_what_can_not_be_done_is_told(run: Run, violation: str):
    assert "there is no violation 'nope'" in run("violations", "ack", "nope").stderr
    assert "there is no violation 'nope'" in run("violations", "show", "nope").stderr
    refused = run("violations", "comment", violation, "\x1b[2J")
    assert refused.exit_code == 2
    assert "text must" in refused.stderr
