from collections.abc import Callable

import pytest
from sqlalchemy import text

from sallyport.store import meta
from sallyport.store.audit import EMPTY
from sallyport.store.database import writing
from sallyport.store.errors import Invalid, NotFound
from sallyport.store.models import Actor
from sallyport.store.operations import Store


@pytest.fixture
def busy(store: Store, actor: Actor) -> Store:
    """With seven rows in its audit log."""
    for number in range(6):
        store.create_user(actor, {"name": f"user {number}"})
    assert store.verify_audit() == {"ok": True, "rows": 7, "broken_at": None}
    return store


def test_a_change_says_who_did_what_to_what(store: Store, actor: Actor) -> None:
    user = store.create_user(actor, {"name": "Ada"})
    store.update_user(actor, user.id, {"name": "Ada L."})
    entry = store.list_audit(1).items[0]
    assert (entry.actor, entry.source_ip, entry.operation) == ("tester", "192.0.2.7", "user.update")
    assert (entry.resource_type, entry.resource_id, entry.success) == ("user", user.id, True)
    assert (entry.before or {})["name"] == "Ada"
    assert (entry.after or {})["name"] == "Ada L."


def test_a_refusal_is_on_record_too(store: Store, actor: Actor) -> None:
    with pytest.raises(Invalid):
        store.create_user(actor, {"name": ""})
    with pytest.raises(NotFound):
        store.delete_policy(actor, "nothing")
    newest, before = store.list_audit(2).items
    assert (newest.operation, newest.resource_id, newest.success) == ("policy.delete", "nothing", False)
    assert (before.operation, before.success) == ("user.create", False)
    assert store.verify_audit()["ok"]


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE audit_logs SET actor = 'someone else' WHERE seq = 3", 3),
        ("UPDATE audit_logs SET after = NULL WHERE seq = 7", 7),
        ("UPDATE audit_logs SET at = at + 1 WHERE seq = 1", 1),
        ("DELETE FROM audit_logs WHERE seq = 1", 1),
        ("DELETE FROM audit_logs WHERE seq = 4", 4),
        ("DELETE FROM audit_logs WHERE seq >= 6", 6),
        ("DELETE FROM audit_logs", 1),
        ("UPDATE audit_logs SET seq = 13 - seq WHERE seq = 5; UPDATE audit_logs SET seq = 5 WHERE seq = 6;"
         " UPDATE audit_logs SET seq = 6 WHERE seq = 8", 5),
        ("UPDATE meta SET value = replace(value, '7:', '6:') WHERE key = 'audit_head'", 7),
        ("DELETE FROM meta WHERE key = 'audit_head'", 7),
    ],
)  # fmt: skip
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_tampering_is_noticed_and_stays_noticed(busy: Store, actor: Actor, statement: str, broken_at: int) -> None:
    with writing(busy.engine) as connection:
        for part in statement.split(";"):
            connection.execute(text(part))
    verdict = busy.verify_audit()
    assert (verdict["ok"], verdict["broken_at"]) == (False, broken_at)
    busy.create_user(actor, {"name": "later"})
    assert not busy.verify_audit()["ok"]


def test_who_empties_the_log_can_not_sign_an_empty_head(busy: Store) -> None:
    with writing(busy.engine) as connection:
        connection.execute(text("DELETE FROM audit_logs"))
        meta.write(connection, meta.AUDIT_HEAD, EMPTY.sign(b"not the key"))
    assert not busy.verify_audit()["ok"]


def test_a_forged_newest_row_is_noticed(busy: Store, actor: Actor) -> None:
    with writing(busy.engine) as connection:
        columns = "at, actor, source_ip, operation, resource_type, resource_id, before, after, success, prev_hash, hash"
        connection.execute(text(f"INSERT INTO audit_logs (seq, {columns}) SELECT 8, {columns} FROM audit_logs WHERE seq = 7"))  # noqa: S608
    assert busy.verify_audit() == {"ok": False, "rows": 8, "broken_at": 8}
    busy.create_user(actor, {"name": "later"})
    assert busy.verify_audit()["broken_at"] == 8


def test_processes_append_to_one_chain(store: Store, reopen: Callable[[], Store], actor: Actor) -> None:
    other = reopen()
    for number in range(3):
        store.create_user(actor, {"name": f"a{number}"})
        other.create_user(actor, {"name": f"b{number}"})
    assert store.verify_audit() == {"ok": True, "rows": 7, "broken_at": None}
