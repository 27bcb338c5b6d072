import time

import pytest

from sallyport.store.errors import Conflict, Invalid, NotFound
from sallyport.store.load import snapshot_version
from sallyport.store.models import Actor
from sallyport.store.operations import Store


def test_an_admin_key_works_until_it_is_revoked(store: Store, actor: Actor) -> None:
    made = store.create_admin_key(actor, "night shift")
    assert store.authenticate_admin(made.key.reveal()) == made.record
    assert made.record in store.list_admin_keys().items
    store.revoke_admin_key(actor, made.record.id)
    assert store.authenticate_admin(made.key.reveal()) is None
    with pytest.raises(NotFound):
        store.revoke_admin_key(actor, "x")


def test_the_last_admin_key_can_not_be_revoked(store: Store, actor: Actor) -> None:
    only = store.list_admin_keys().items[0]
    fleeting = store.create_admin_key(actor, "for an hour", time.time() + 3600).record
    with pytest.raises(Conflict, match="last admin key"):
        store.revoke_admin_key(actor, only.id)
    store.revoke_admin_key(actor, fleeting.id)
    store.create_admin_key(actor, "another")
    store.revoke_admin_key(actor, only.id)


def test_an_admin_key_ends_by_itself(store: Store, actor: Actor) -> None:
    over = store.create_admin_key(actor, "contractor", time.time() - 0.001)
    assert store.authenticate_admin(over.key.reveal()) is None
    assert store.get_admin_key(over.record.id) == over.record
    for never in (float("nan"), float("inf"), -1.0, 253_402_300_799.5):
        with pytest.raises(Invalid, match="expires_at must"):
            store.create_admin_key(actor, "never", never)


def test_admin_keys_are_no_news_for_the_workers(store: Store, actor: Actor) -> None:
    version = snapshot_version(store.engine)
    store.create_admin_key(actor, "night shift")
    assert snapshot_version(store.engine) == version


@pytest.mark.parametrize("key", ["", "spa_", "é", "\ud800", "x" * 10_000])
def test_anything_else_is_no_admin_key(store: Store, key: str) -> None:
    assert store.authenticate_admin(key) is None
