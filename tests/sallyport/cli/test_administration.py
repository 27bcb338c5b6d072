# redis-py leaves its **kwargs untyped:
# pyright: reportUnknownMemberType=false
import json
import re
import stat
from pathlib import Path

import pytest
import redis

from sallyport.paths import DataDir
from sallyport.proxy.snapshots import CHANGED
from sallyport.store.load import load_snapshot
from sallyport.store.opening import open_store
from sallyport.store.snapshot import Snapshot
from sallyport.vault.keys import hash_key
from tests.sallyport.cli.support import Run

POLICIES = """
[[policies]]
name = "day"
policy_type = "spend_cap"
subject_matchers = [{ key = "workspace_id", value = "default" }]
config = { window = "daily", limit_usd = 10 }

[[policies]]
name = "clean"
policy_type = "guard"
action = "redact"
subject_matchers = [{ key = "workspace_id", value = "default" }]
config = { version = 1, detect = { pii = true, secrets = true } }
"""


def snapshot(data: DataDir) -> Snapshot:
    """What workers would see."""
    store = open_store(data.database, data.master_key, create=False)
    try:
        return load_snapshot(store.engine, store.vault)
    finally:
        store.engine.dispose()


def test_a_key_is_made_alone_on_stdout_listed_and_revoked(run: Run, data: DataDir):
    made = run("keys", "create", "laptop", "--expires", "30d")
    assert made.exit_code == 0
    key = made.stdout.strip()
    assert re.fullmatch(r"sp_[0-9A-Za-z]{43}", key)
    known = snapshot(data).keys[hash_key(key)]
    assert (known.name, known.workspace_id, known.revoked) == ("laptop", "default", False)
    listed = json.loads(run("keys", "list", "--json").stdout)
    assert [entry["id"] for entry in listed] == [known.id]
    assert key not in run("keys", "list").stdout + run("keys", "get", known.id).stdout
    assert run("keys", "revoke", known.id).exit_code == 0
    assert snapshot(data).keys[hash_key(key)].revoked


def test_a_key_for_a_user_as_json(run: Run):
    user = json.loads(run("users", "create", "Ada", "--email", "ada@example.test", "--json").stdout)
    made = json.loads(run("keys", "create", "ci", "--user", "ada@example.test", "--json").stdout)
    assert made["user_id"] == user["id"]
    assert made["key"].startswith("sp_")
    assert "Ada" in run("users", "list").stdout
    assert json.loads(run("users", "update", "Ada", "--name", "Ada L.", "--json").stdout)["name"] == "Ada L."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("keys", "create", "k", "--workspace", "nope"), "there is no workspace 'nope'"),
        (("keys", "create", "k", "--user", "nope"), "there is no user 'nope'"),
        (("keys", "create", "k", "--expires", "soon"), "'soon' is neither a span"),
        (("keys", "create", "k", "--expires", "1999-01-01"), "is past"),
        (("keys", "revoke", "nope"), "there is no key 'nope'"),
        (("users", "update", "nope"), "nothing to change"),
        (("policies", "create", "p", "--type", "spend_cap", "--config", "{"), "is not JSON"),
        (("policies", "create", "p", "--type", "spend_cap", "--config", "{}", "--match", "x"), "'x' is not KEY=VALUE"),
        (("policies", "create", "p", "--type", "nope", "--config", "{}"), "policy_type"),
        (("policies", "apply", "/no/such/file"), "/no/such/file can't be read"),
    ],
)
def test_what_can_not_be_meant_is_told(run: Run, arguments: tuple[str, ...], message: str):
    result = run(*arguments)
    assert result.exit_code in (1, 2)
    assert message in result.stderr


def test_a_secret_comes_from_stdin_and_is_never_shown(run: Run, data: DataDir):
    result = run("secrets", "set", "OPENAI_API_KEY", stdin="sk-proj-canary-canary\n")
    assert result.exit_code == 0
    assert snapshot(data).workspaces["default"].secrets["OPENAI_API_KEY"].reveal() == "sk-proj-canary-canary"
    shown = result.output + run("secrets", "list").output + run("secrets", "list", "--json").output
    assert "OPENAI_API_KEY" in shown
    assert "canary" not in shown
    assert run("secrets", "delete", "OPENAI_API_KEY").exit_code == 0
    assert not snapshot(data).workspaces["default"].secrets


def test_keys_of_a_secret_are_set_and_deleted_by_label(run: Run, data: DataDir):
    assert run("secrets", "set", "OPENAI_API_KEY", "--label", "team-a", "--weight", "3", stdin="sk-canary-a").exit_code == 0
    assert "(key team-b)" in run("secrets", "set", "OPENAI_API_KEY", "--label", "team-b", stdin="sk-canary-b").stdout
    pool = snapshot(data).workspaces["default"].pools["OPENAI_API_KEY"]
    assert [(key.label, key.weight) for key in pool] == [("team-a", 3), ("team-b", 1)]
    shown = run("secrets", "list").output
    assert "team-a" in shown
    assert "team-b" in shown
    assert "canary" not in shown
    assert "has no key 'nope'; it has team-a, team-b" in run("secrets", "delete", "OPENAI_API_KEY", "--label", "nope").stderr
    assert run("secrets", "delete", "OPENAI_API_KEY", "--label", "team-a").exit_code == 0
    assert snapshot(data).workspaces["default"].secrets["OPENAI_API_KEY"].reveal() == "sk-canary-b"


def test_fallback_chains_come_from_a_file_or_stdin(run: Run, data: DataDir):
    chains = '[{"when": {"provider": "openai"}, "then": [{"model": "gpt-4o-mini"}]}]'
    assert run("workspaces", "update", "default", "--fallbacks", "-", stdin=chains).exit_code == 0
    (chain,) = snapshot(data).workspaces["default"].fallbacks
    assert (chain.provider, chain.then[0].model) == ("openai", "gpt-4o-mini")
    assert "gpt-4o-mini" in run("workspaces", "get", "default").stdout
    assert "--fallbacks: not valid JSON" in run("workspaces", "update", "default", "--fallbacks", "-", stdin="[").stderr
    wrong = '[{"when": {"provider": "openai"}, "then": []}]'
    assert "fallbacks[0].then must be" in run("workspaces", "update", "default", "--fallbacks", "-", stdin=wrong).stderr


def test_a_secret_is_no_argument(run: Run):
    assert run("secrets", "set", "OPENAI_API_KEY", "sk-x").exit_code == 2
    assert "standard input is empty" in run("secrets", "set", "OPENAI_API_KEY", stdin="").stderr
    assert "no secret that the gateway uses" in run("secrets", "set", "FOO", stdin="x").stderr


def test_a_workspace_has_its_own_secrets_and_settings(run: Run, data: DataDir):
    made = json.loads(run("workspaces", "create", "research", "--json").stdout)
    assert run("secrets", "set", "GOOGLE_API_KEY", "--workspace", "research", stdin="g").exit_code == 0
    assert run("workspaces", "update", "research", "--credentials", "passthrough").exit_code == 0
    workspace = snapshot(data).workspaces[made["id"]]
    assert workspace.credentials == "passthrough"
    assert set(workspace.secrets) == {"GOOGLE_API_KEY"}


def test_policies_are_applied_from_toml_json_and_stdin(run: Run, data: DataDir, tmp_path: Path):
    file = tmp_path / "policies.toml"
    file.write_text(POLICIES)
    applied = json.loads(run("policies", "apply", str(file), "--json").stdout)
    assert [policy["name"] for policy in applied] == ["day", "clean"]
    again = json.loads(run("policies", "apply", str(file), "--json").stdout)
    assert [policy["id"] for policy in again] == [policy["id"] for policy in applied]
    file = tmp_path / "policies.json"
    file.write_text(json.dumps([{key: applied[0][key] for key in ("name", "policy_type", "subject_matchers", "config")}]))
    assert run("policies", "apply", str(file)).exit_code == 0
    assert run("policies", "apply", "-", stdin=file.read_text()).exit_code == 0
    assert len(snapshot(data).policies) == 2


def test_one_bad_policy_and_none_is_applied(run: Run, data: DataDir, tmp_path: Path):
    file = tmp_path / "policies.toml"
    file.write_text(POLICIES.replace("detect = {", "detekt = {"))
    result = run("policies", "apply", str(file))
    assert result.exit_code == 2
    assert "policy 2 (clean): config" in result.stderr
    assert not snapshot(data).policies


def test_a_policy_is_updated_and_deleted(run: Run, data: DataDir):
    config = '{"window": "daily", "limit_usd": 10}'
    make = ("policies", "create", "day", "--type", "spend_cap", "--config", config, "--match", "workspace_id=default", "--json")
    policy = json.loads(run(*make).stdout)
    run("policies", "update", policy["id"], "--config", '{"limit_usd": 2.5}', "--disable")
    changed = json.loads(run("policies", "get", policy["id"], "--json").stdout)
    assert (changed["config"]["window"], float(changed["config"]["limit_usd"]), changed["enabled"]) == ("daily", 2.5, False)
    assert run("policies", "delete", policy["id"]).exit_code == 0
    assert "no policies yet" in run("policies", "list").stderr


def test_a_policy_may_name_its_user_and_workspace(run: Run, data: DataDir, tmp_path: Path):
    user = json.loads(run("users", "create", "Ada", "--email", "ada@example.test", "--json").stdout)
    key = run("keys", "create", "ada-laptop", "--user", "Ada").stdout.strip()
    cap = ("--type", "spend_cap", "--config", '{"window": "daily", "limit_usd": 5}')
    run("policies", "create", "by name", *cap, "--match", "user_id=Ada", "--match", "api_key_id=ada-laptop")
    file = tmp_path / "policies.json"
    file.write_text(
        json.dumps(
            [
                {
                    "name": "by address",
                    "policy_type": "rate_limit",
                    "subject_matchers": [{"key": "user_id", "value": "ada@example.test"}],
                    "config": {"version": 1, "limits": [{"metric": "requests", "window": "minute", "value": 9}]},
                }
            ]
        )
    )
    assert run("policies", "apply", str(file)).exit_code == 0
    seen = snapshot(data)
    found = {(policy.name, matcher.key, matcher.value) for policy in seen.policies for matcher in policy.matchers}
    assert found == {
        ("by name", "user_id", user["id"]),
        ("by name", "api_key_id", seen.keys[hash_key(key)].id),
        ("by address", "user_id", user["id"]),
    }


def test_a_policy_for_nobody_is_told(run: Run, data: DataDir, tmp_path: Path):
    file = tmp_path / "policies.toml"
    file.write_text(POLICIES + POLICIES.replace('"workspace_id", value = "default"', '"user_id", value = "Eve"'))
    result = run("policies", "apply", str(file))
    assert result.exit_code == 2
    assert "policy 3 (day): there is no user 'Eve'" in result.stderr
    assert not snapshot(data).policies


def test_policies_are_listed_in_words(run: Run, tmp_path: Path):
    file = tmp_path / "policies.toml"
    file.write_text(POLICIES)
    shown = run("policies", "apply", str(file)).stdout
    assert "$10.00 daily" in shown
    assert "redacts personal data and secrets" in shown
    assert shown.count("workspace_id=default") == 2


def test_a_key_is_revoked_by_name_unless_two_have_it(run: Run, data: DataDir):
    run("keys", "create", "laptop")
    assert run("keys", "revoke", "laptop").exit_code == 0
    second, third = (run("keys", "create", "laptop").stdout.strip() for _ in range(2))
    result = run("keys", "revoke", "laptop")
    assert result.exit_code == 2
    ids = [snapshot(data).keys[hash_key(key)].id for key in (second, third)]
    assert "2 keys are called 'laptop'" in result.stderr
    assert all(key_id in result.stderr for key_id in ids)
    assert run("keys", "revoke", *ids).exit_code == 0
    assert "there is no key 'laptop'" in run("keys", "revoke", "laptop").stderr


def test_a_change_is_published_to_running_workers(run: Run, redis_url: str):
    with redis.Redis.from_url(redis_url) as client, client.pubsub() as subscription:
        subscription.subscribe(CHANGED)
        assert subscription.get_message(timeout=5)
        run("keys", "create", "laptop", SALLYPORT_REDIS_URL=redis_url)
        assert subscription.get_message(timeout=5)


def test_a_change_is_audited_under_the_operating_systems_user(run: Run, data: DataDir):
    run("keys", "create", "laptop")
    store = open_store(data.database, data.master_key, create=False)
    newest = store.list_audit(limit=1).items[0]
    store.engine.dispose()
    assert newest.operation == "key.create"
    assert newest.actor.startswith("cli:")


def test_the_ledger_is_shown_even_when_empty(run: Run):
    assert json.loads(run("spend", "--by", "model", "--json").stdout) == []
    assert "no calls yet" in run("calls", "list").stderr
    assert json.loads(run("violations", "list", "--json").stdout) == []
    assert "there is no call 'nope'" in run("calls", "get", "nope").stderr


def test_another_master_key_is_an_error_and_changes_nothing(run: Run, data: DataDir):
    before = data.database.read_bytes()
    result = run("keys", "create", "laptop", SALLYPORT_MASTER_KEY="00" * 32)
    assert result.exit_code == 1
    assert "the master key does not fit this database" in result.stderr
    assert data.database.read_bytes() == before
    assert stat.S_IMODE(data.master_key.stat().st_mode) == 0o600
