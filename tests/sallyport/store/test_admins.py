import pytest

from sallyport.store.errors import Invalid, NotFound
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
    with pytest.raises(Invalid, match="last admin key"):
        store.revoke_admin_key(actor, only.id)


@pytest.mark.parametrize("key", ["", "spa_", "é", "\ud800", "x" * 10_000])
def test_anything_else_is_no_admin_key(store: Store, key: str) -> None:
    assert store.authenticate_admin(key) is None
