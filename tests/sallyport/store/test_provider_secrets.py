from pathlib import Path

import pytest

from sallyport.secret import Secret
from sallyport.store.database import reading
from sallyport.store.errors import Invalid, NotFound
from sallyport.store.load import load_snapshot
from sallyport.store.models import Actor
from sallyport.store.operations import Store
from sallyport.store.provider_secrets import NewSecretKey
from sallyport.store.tables import Base

CANARY = "sk-canary-5f1b6a"


def test_a_secret_is_named_but_never_read_back(store: Store, actor: Actor) -> None:
    put = store.put_secret(actor, "default", "OPENAI_API_KEY", Secret(f" {CANARY}\n"))
    again = store.put_secret(actor, "default", "OPENAI_API_KEY", Secret(CANARY + "2"))
    assert (again.created_at, again.name) == (put.created_at, "OPENAI_API_KEY")
    assert store.list_secrets("default") == [again]
    assert load_snapshot(store.engine, store.vault).workspaces["default"].secrets["OPENAI_API_KEY"].reveal() == CANARY + "2"
    store.delete_secret(actor, "default", "OPENAI_API_KEY")
    assert store.list_secrets("default") == []
    with pytest.raises(NotFound):
        store.delete_secret(actor, "default", "OPENAI_API_KEY")


def test_no_credential_stands_in_the_database(store: Store, actor: Actor) -> None:
    admin = store.create_admin_key(actor).key.reveal()
    key = store.create_key(actor, workspace_id="default").key.reveal()
    store.put_secret(actor, "default", "OPENAI_API_KEY", Secret(CANARY))
    with reading(store.engine) as connection:
        everything = "".join(
            repr(row) for table in Base.metadata.sorted_tables for row in connection.execute(table.select()).all()
        )
    assert "OPENAI_API_KEY" in everything
    for canary in (CANARY, key, admin, CANARY.encode().hex()):
        assert canary not in everything


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_credential_stands_in_any_file(store: Store, actor: Actor, tmp_path: Path) -> None:
    key = store.create_key(actor, workspace_id="default").key.reveal()
    store.put_secret(actor, "default", "OPENAI_API_KEY", Secret(CANARY))
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"OPENAI_API_KEY" in files
    assert CANARY.encode() not in files
    assert key.encode() not in files


def test_only_secrets_that_the_gateway_uses_are_taken(store: Store, actor: Actor) -> None:
    with pytest.raises(Invalid, match="name: 'MY_KEY' is no secret") as caught:
        store.put_secret(actor, "default", "MY_KEY", Secret(CANARY))
    assert "OPENAI_API_KEY" in str(caught.value)
    assert "LANGSMITH_API_KEY" in str(caught.value)
    with pytest.raises(Invalid, match="value"):
        store.put_secret(actor, "default", "OPENAI_API_KEY", Secret(" \n"))
    with pytest.raises(Invalid, match="value"):
        store.put_secret(actor, "default", "OPENAI_API_KEY", Secret("\ud800"))
    with pytest.raises(NotFound):
        store.put_secret(actor, "x", "OPENAI_API_KEY", Secret(CANARY))
    assert CANARY not in str(store.list_audit().items)


def test_a_pool_of_keys(store: Store, actor: Actor) -> None:
    one, two = NewSecretKey(Secret(f"{CANARY}1"), "team-a", 3), NewSecretKey(Secret(f"{CANARY}2"), "team-b")
    info = store.put_secret(actor, "default", "OPENAI_API_KEY", one, two)
    assert [(key.label, key.weight) for key in info.keys] == [("team-a", 3), ("team-b", 1)]
    store.put_secret_key(actor, "default", "OPENAI_API_KEY", NewSecretKey(Secret(f"{CANARY}3"), "team-b", 2))
    workspace = load_snapshot(store.engine, store.vault).workspaces["default"]
    found = [(key.label, key.weight, key.secret.reveal()) for key in workspace.pools["OPENAI_API_KEY"]]
    assert found == [("team-a", 3, f"{CANARY}1"), ("team-b", 2, f"{CANARY}3")]
    store.delete_secret(actor, "default", "OPENAI_API_KEY", "team-a")
    with pytest.raises(NotFound, match="OPENAI_API_KEY has no key 'team-a'; it has team-b"):
        store.delete_secret(actor, "default", "OPENAI_API_KEY", "team-a")
    workspace = load_snapshot(store.engine, store.vault).workspaces["default"]
    assert (workspace.pools, workspace.secrets["OPENAI_API_KEY"].reveal()) == ({}, f"{CANARY}3")
    assert [key.label for key in store.put_secret(actor, "default", "OPENAI_API_KEY", Secret(CANARY)).keys] == ["default"]
    assert CANARY not in str(store.list_audit().items)
    assert "team-b" in str(store.list_audit().items)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "values must be a list of 1 to 100 keys"),
        ([NewSecretKey(Secret("a"), "x"), NewSecretKey(Secret("b"), "x")], "label 'x' stands there twice"),
        ([NewSecretKey(Secret("a"), " ")], "label must be a text"),
        ([NewSecretKey(Secret("a"), "x", 0)], "weight must be a whole number from 1 to 1000"),
        ([NewSecretKey(Secret(""), "x")], "value must have"),
    ],
)
def test_a_pool_that_is_wrong(store: Store, actor: Actor, keys: list[NewSecretKey], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        store.put_secret(actor, "default", "OPENAI_API_KEY", *keys)
    assert store.list_secrets("default") == []
