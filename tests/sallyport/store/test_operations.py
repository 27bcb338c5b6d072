import logging
from collections.abc import Callable

import pytest

from sallyport.store.errors import Invalid
from sallyport.store.models import Actor
from sallyport.store.operations import Store


def test_a_first_start_makes_one_organization_workspace_and_admin_key(store: Store) -> None:
    assert [organization.name for organization in store.list_organizations().items] == ["default"]
    workspace = store.get_workspace("default")
    assert (workspace.name, workspace.organization_id, workspace.credentials, workspace.trace_content) == (
        "default",
        "default",
        "replace",
        "none",
    )
    assert store.list_keys().items == []
    assert len(store.list_admin_keys().items) == 1


def test_the_first_admin_key_is_shown_once_and_works(reopen: Callable[[], Store]) -> None:
    first = reopen().first_start()
    assert first.fresh
    assert first.admin_key is not None
    assert first.admin_key.reveal().startswith("spa_")
    second = reopen()
    assert second.first_start().admin_key is None
    admin = second.authenticate_admin(first.admin_key.reveal())
    assert admin is not None
    assert first.admin_key.reveal().startswith(admin.prefix)
    assert second.authenticate_admin("spa_" + "0" * 43) is None


def test_a_preset_admin_key_is_kept_until_another_is_preset(reopen: Callable[[], Store]) -> None:
    assert reopen().first_start("first-preset-key").admin_key is None
    store = reopen()
    store.first_start("first-preset-key")
    assert len(store.list_admin_keys().items) == 1
    store.first_start("second-preset-key")
    assert store.authenticate_admin("second-preset-key") is not None
    assert store.authenticate_admin("first-preset-key") is None
    store.first_start("first-preset-key")
    assert store.authenticate_admin("first-preset-key") is not None
    with pytest.raises(Invalid, match="SALLYPORT_ADMIN_KEY"):
        store.first_start(" ")


def test_a_preset_leaves_the_keys_made_by_admins(reopen: Callable[[], Store]) -> None:
    first = reopen().first_start()
    store = reopen()
    store.first_start("preset-key")
    assert first.admin_key is not None
    assert store.authenticate_admin(first.admin_key.reveal()) is not None


def test_changes_are_announced_after_they_are_made(reopen: Callable[[], Store], caplog: pytest.LogCaptureFixture) -> None:
    store = reopen()
    seen: list[int] = []
    store.on_change = lambda: seen.append(store.verify_audit()["rows"])
    store.first_start()
    assert seen == [1]

    def fail() -> None:
        raise ConnectionError("no Redis")

    store.on_change = fail
    with caplog.at_level(logging.WARNING):
        store.create_user(Actor("test"), {"name": "Ada"})
    assert [user.name for user in store.list_users().items] == ["Ada"]
    assert "no Redis" in caplog.text
