import logging

import pytest
from sqlalchemy import text

from sallyport.secret import Secret
from sallyport.store.database import writing
from sallyport.store.load import load_snapshot, snapshot_version
from sallyport.store.models import Actor
from sallyport.store.operations import Store
from sallyport.vault.keys import hash_key


def test_a_snapshot_holds_what_workers_decide_by(store: Store, actor: Actor) -> None:
    workspace = store.create_workspace(
        actor, {"name": "w", "credentials": "passthrough", "langsmith_endpoint": "https://s.example", "langsmith_project": "p"}
    )
    made = store.create_key(actor, workspace_id=workspace.id, expires_at=5.0)
    store.revoke_key(actor, made.record.id)
    store.put_secret(actor, workspace.id, "OPENAI_API_KEY", Secret("sk-1"))
    store.enroll(actor, key_id=made.record.id, kind="os_user", value="ada")

    snapshot = load_snapshot(store.engine, store.vault)

    key = snapshot.keys[hash_key(made.key.reveal())]
    assert snapshot.keys_by_id == {made.record.id: key}
    assert (key.organization_id, key.workspace_id, key.expires_at, key.revoked) == ("default", workspace.id, 5.0, True)
    loaded = snapshot.workspaces[workspace.id]
    assert (loaded.credentials, loaded.langsmith_endpoint, loaded.langsmith_project) == ("passthrough", "https://s.example", "p")
    assert {name: secret.reveal() for name, secret in loaded.secrets.items()} == {"OPENAI_API_KEY": "sk-1"}
    assert [(e.kind, e.value, e.key_id) for e in snapshot.enrollments] == [("os_user", "ada", made.record.id)]


def test_policies_come_broadest_first_without_disabled_ones(store: Store, actor: Actor) -> None:
    def cap(name: str, matchers: list[dict[str, str]], **more: object) -> None:
        config = {"window": "daily", "limit_usd": 1}
        store.create_policy(
            actor, {"name": name, "policy_type": "spend_cap", "config": config, "subject_matchers": matchers, **more}
        )

    cap("user", [{"key": "user_id", "value": "u"}])
    cap("organization", [])
    cap("off", [{"key": "api_key_id", "value": "k"}], enabled=False)
    cap("workspace", [{"key": "workspace_id", "value": "w"}])
    policies = load_snapshot(store.engine, store.vault).policies
    assert [policy.name for policy in policies] == ["organization", "workspace", "user"]


def test_the_version_grows_with_every_change(store: Store, actor: Actor) -> None:
    before = snapshot_version(store.engine)
    store.create_user(actor, {"name": "Ada"})
    assert snapshot_version(store.engine) == before + 1 == load_snapshot(store.engine, store.vault).version


def test_placeholder_keys_last_and_differ_between_workspaces(store: Store, actor: Actor) -> None:
    workspace = store.create_workspace(actor, {"name": "w"})
    one, two = (load_snapshot(store.engine, store.vault).workspaces for _ in range(2))
    assert one["default"].placeholder_key == two["default"].placeholder_key
    assert one["default"].placeholder_key != one[workspace.id].placeholder_key
    assert len(bytes.fromhex(one["default"].placeholder_key.reveal())) == 32


def test_what_was_moved_between_workspaces_is_left_out_and_named(
    store: Store, actor: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = store.create_workspace(actor, {"name": "w"})
    store.put_secret(actor, "default", "OPENAI_API_KEY", Secret("sk-canary"))
    store.put_secret(actor, "default", "GOOGLE_API_KEY", Secret("g-canary"))
    with writing(store.engine) as connection:
        connection.execute(text("UPDATE secrets SET workspace_id = :id WHERE name = 'OPENAI_API_KEY'"), {"id": workspace.id})
    with caplog.at_level(logging.ERROR):
        snapshot = load_snapshot(store.engine, store.vault)
    assert snapshot.workspaces[workspace.id].secrets == {}
    assert list(snapshot.workspaces["default"].secrets) == ["GOOGLE_API_KEY"]
    assert "OPENAI_API_KEY" in caplog.text
    assert "canary" not in caplog.text


def test_a_workspace_with_a_damaged_data_key_is_left_out(store: Store, actor: Actor, caplog: pytest.LogCaptureFixture) -> None:
    workspace = store.create_workspace(actor, {"name": "w"})
    with writing(store.engine) as connection:
        connection.execute(
            text("UPDATE workspaces SET data_key = (SELECT data_key FROM workspaces WHERE id = 'default') WHERE id = :id"),
            {"id": workspace.id},
        )
    with caplog.at_level(logging.ERROR):
        assert list(load_snapshot(store.engine, store.vault).workspaces) == ["default"]
    assert workspace.id in caplog.text
