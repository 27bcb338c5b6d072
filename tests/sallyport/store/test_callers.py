import hashlib
from typing import Any

import pytest

from sallyport.store.errors import Conflict, Invalid, NotFound
from sallyport.store.models import Actor
from sallyport.store.operations import Store


def test_a_key_is_shown_once_and_kept_as_its_hash(store: Store, actor: Actor) -> None:
    user = store.create_user(actor, {"name": "Ada"})
    made = store.create_key(actor, workspace_id="default", user_id=user.id, name="laptop", expires_at=2e9)
    plain = made.key.reveal()
    assert plain.startswith("sp_")
    assert plain.startswith(made.record.prefix)
    assert len(made.record.prefix) < 12
    assert (made.record.organization_id, made.record.user_id, made.record.expires_at) == ("default", user.id, 2e9)
    assert store.get_key(made.record.id) == made.record
    assert plain not in str(store.list_audit().items)
    assert hashlib.sha256(plain.encode()).digest() != plain.encode()


def test_keys_are_listed_by_workspace_and_user(store: Store, actor: Actor) -> None:
    workspace = store.create_workspace(actor, {"name": "w"})
    user = store.create_user(actor, {"name": "Ada"})
    one = store.create_key(actor, workspace_id="default").record
    two = store.create_key(actor, workspace_id=workspace.id, user_id=user.id).record
    assert store.list_keys().items == [two, one]
    assert store.list_keys(workspace_id="default").items == [one]
    assert store.list_keys(user_id=user.id).items == [two]


def test_revoking_twice_keeps_the_first_time(store: Store, actor: Actor) -> None:
    key = store.create_key(actor, workspace_id="default").record
    revoked = store.revoke_key(actor, key.id)
    assert revoked.revoked_at is not None
    assert store.revoke_key(actor, key.id).revoked_at == revoked.revoked_at
    with pytest.raises(NotFound):
        store.revoke_key(actor, "x")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"workspace_id": "x"}, "workspace_id"),
        ({"workspace_id": "default", "user_id": "x"}, "user_id"),
        ({"workspace_id": "default", "name": ""}, "name"),
        ({"workspace_id": "default", "expires_at": "tomorrow"}, "expires_at"),
        ({"workspace_id": "default", "expires_at": float("nan")}, "expires_at"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_wrong_key_is_refused_by_the_name_of_the_field(store: Store, actor: Actor, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid, match=f"^{field}\\b"):
        store.create_key(actor, **fields)
    assert store.list_keys().items == []


def test_enrollments_are_canonical_unique_and_removable(store: Store, actor: Actor) -> None:
    key = store.create_key(actor, workspace_id="default").record
    network = store.enroll(actor, key_id=key.id, kind="network", value="10.1.2.3/8")
    certificate = store.enroll(actor, key_id=key.id, kind="certificate", value=":".join(["AB"] * 32))
    assert (network.value, certificate.value) == ("10.0.0.0/8", "ab" * 32)
    with pytest.raises(Conflict):
        store.enroll(actor, key_id=key.id, kind="network", value="10.0.0.0/8")
    assert store.list_enrollments().items == [certificate, network]
    store.remove_enrollment(actor, network.id)
    assert store.list_enrollments().items == [certificate]


@pytest.mark.parametrize(("kind", "value"), [("network", "10.0.0.0/99"), ("certificate", "abc"), ("os_user", ""), ("badge", "7")])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_wrong_enrollment_is_refused(store: Store, actor: Actor, kind: str, value: str) -> None:
    key = store.create_key(actor, workspace_id="default").record
    with pytest.raises(Invalid, match=r"^(kind|value) "):
        store.enroll(actor, key_id=key.id, kind=kind, value=value)
