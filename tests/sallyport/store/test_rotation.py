from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from sallyport.secret import Secret
from sallyport.store.database import writing
from sallyport.store.errors import StoreError
from sallyport.store.load import load_snapshot
from sallyport.store.models import Actor
from sallyport.store.operations import Store
from sallyport.store.rotation import staged_key_file
from sallyport.vault.envelope import Vault
from sallyport.vault.master_key import write_key_file


def test_after_a_rotation_only_the_new_key_fits_and_nothing_is_lost(
    store: Store, reopen: Callable[[], Store], actor: Actor, tmp_path: Path
) -> None:
    store.put_secret(actor, "default", "OPENAI_API_KEY", Secret("sk-1"))
    placeholder_key = load_snapshot(store.engine, store.vault).workspaces["default"].placeholder_key
    path = tmp_path / "master.key"
    old = path.read_bytes()
    store.rotate_key_file(actor, path)
    assert path.read_bytes() != old
    assert not staged_key_file(path).exists()

    again = reopen()
    workspace = load_snapshot(again.engine, again.vault).workspaces["default"]
    assert workspace.secrets["OPENAI_API_KEY"].reveal() == "sk-1"
    assert workspace.placeholder_key == placeholder_key
    again.create_user(actor, {"name": "later"})
    assert again.verify_audit()["ok"]
    path.write_bytes(old)
    with pytest.raises(StoreError, match="does not fit"):
        reopen()


def test_a_rotation_cut_short_after_its_commit_is_finished_at_the_next_start(
    store: Store, reopen: Callable[[], Store], actor: Actor, tmp_path: Path
) -> None:
    path = tmp_path / "master.key"
    write_key_file(staged_key_file(path), b"n" * 32)
    store.rotate_master_key(actor, Vault(b"n" * 32))
    assert reopen().verify_audit()["ok"]
    assert not staged_key_file(path).exists()


def test_a_rotation_cut_short_before_its_commit_changed_nothing(
    store: Store, reopen: Callable[[], Store], actor: Actor, tmp_path: Path
) -> None:
    write_key_file(staged_key_file(tmp_path / "master.key"), b"n" * 32)
    again = reopen()
    again.rotate_key_file(actor, tmp_path / "master.key")
    assert reopen().verify_audit()["ok"]


def test_a_process_that_holds_the_old_key_changes_nothing_more(store: Store, reopen: Callable[[], Store], actor: Actor) -> None:
    stale = reopen()
    store.rotate_master_key(actor, Vault(b"n" * 32))
    with pytest.raises(StoreError, match="master key was changed"):
        stale.create_user(actor, {"name": "x"})
    with pytest.raises(StoreError, match="master key was changed"):
        load_snapshot(stale.engine, stale.vault)
    assert store.verify_audit()["ok"]


def test_a_data_key_that_can_not_be_unwrapped_stops_the_rotation(store: Store, actor: Actor) -> None:
    workspace = store.create_workspace(actor, {"name": "w"})
    with writing(store.engine) as connection:
        connection.execute(
            text("UPDATE workspaces SET data_key = (SELECT data_key FROM workspaces WHERE id = 'default') WHERE id = :id"),
            {"id": workspace.id},
        )
    with pytest.raises(StoreError, match=workspace.id):
        store.rotate_master_key(actor, Vault(b"n" * 32))
    store.create_user(actor, {"name": "still the old key"})
    assert store.verify_audit()["ok"]


def test_a_rotation_does_not_heal_a_tampered_log(store: Store, actor: Actor) -> None:
    with writing(store.engine) as connection:
        connection.execute(text("UPDATE meta SET value = '0:x:y' WHERE key = 'audit_head'"))
    store.rotate_master_key(actor, Vault(b"n" * 32))
    assert not store.verify_audit()["ok"]
