from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from sallyport.paths import DataDir
from sallyport.spend.ledger import insert_calls
from sallyport.store.database import open_database, writing
from sallyport.tracing.record import CallRecord
from tests.sallyport.cli.support import Run

CAP = {"name": "Team", "policy_type": "spend_cap", "config": {"window": "daily", "limit_usd": 5}}
ACCESS = {"name": "Models", "policy_type": "model_access", "config": {"allow": ["openai/*"]}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "policies.json"
    file.write_text(json.dumps([CAP, ACCESS]))
    return file


def test_a_dry_run_says_what_would_change_and_changes_nothing(run: Run, file: Path):
    shown = run("policies", "apply", str(file), "--dry-run")
    assert "+ Team: spend_cap" in shown.stderr
    assert json.loads(run("policies", "list", "--json").stdout) == []
    run("policies", "apply", str(file))
    file.write_text(json.dumps([{**CAP, "config": {"window": "daily", "limit_usd": 9}}]))
    shown = run("policies", "apply", str(file), "--dry-run", "--prune", "--json")
    assert '~ Team: config {"window": "daily", "limit_usd": "5"' in shown.stderr
    assert '"limit_usd": "9"' in shown.stderr
    assert "- Models" in shown.stderr
    assert [change["verb"] for change in json.loads(shown.stdout)] == ["change", "delete"]
    assert len(json.loads(run("policies", "list", "--json").stdout)) == 2


def test_what_is_the_same_stays_and_pruning_deletes_the_rest(run: Run, file: Path):
    run("policies", "apply", str(file))
    before = json.loads(run("audit", "list", "--json").stdout)
    assert run("policies", "apply", str(file)).stderr == ""
    assert json.loads(run("audit", "list", "--json").stdout) == before
    file.write_text(json.dumps([ACCESS]))
    assert run("policies", "apply", str(file), "--prune").stderr == "- Team\n"
    assert [policy["name"] for policy in json.loads(run("policies", "list", "--json").stdout)] == ["Models"]


def test_a_replay_says_what_would_have_been_blocked(run: Run, data: DataDir, file: Path):
    engine = open_database(data.database)
    calls = [
        CallRecord(
            id=f"call-{number}",
            started_at=time.time() - 60,
            organization_id="default",
            workspace_id="default",
            api_key_id="k",
            user_id=f"user-{number}",
            provider="anthropic",
            model="claude",
        )
        for number in range(3)
    ]
    with writing(engine) as connection:
        insert_calls(connection, calls)
    engine.dispose()
    shown = run("policies", "replay", str(file), "--json")
    assert json.loads(shown.stdout) == [{"policy": "Models", "calls": 3, "users": 3, "usd": "0"}]
    assert "over the last 7 days this would have blocked 3 of 3 calls, of 3 users" in shown.stderr
    assert "would have blocked 0 of 3 calls" in run("policies", "replay").stderr


def test_shells_complete_commands(run: Run):
    for shell in ("bash", "zsh", "fish"):
        script = run("completion", shell).stdout
        assert "_SALLYPORT_COMPLETE" in script
        assert "sallyport" in script
    assert run("completion", "tcsh").exit_code == 2
