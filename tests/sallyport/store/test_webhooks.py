"""Webhooks: where they lead and what signs is sealed, and comes out for delivery alone."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import pytest

from sallyport.store.errors import Conflict, Invalid, NotFound
from sallyport.store.models import Actor
from sallyport.store.operations import Store
from sallyport.vault.envelope import Vault

ADMIN = Actor("test")
URL = "https://hooks.slack.com/services/T000/B000/do-not-show"


def test_url_and_secret_are_seen_by_delivery_alone(store: Store, tmp_path: Path) -> None:
    new = store.create_webhook(ADMIN, {"name": "finance", "url": URL, "kind": "slack"})
    assert new.secret is not None
    assert new.secret.reveal().startswith("whsec_")
    target = store.webhook_target(new.record.id)
    assert (target.url.reveal(), target.secret.reveal(), target.kind) == (URL, new.secret.reveal(), "slack")
    assert [webhook.host for webhook in store.list_webhooks()] == ["hooks.slack.com"]
    shown = repr([asdict(row) for row in store.list_audit(10).items]) + repr(store.list_webhooks()) + repr(new) + repr(target)
    assert "do-not-show" not in shown
    assert new.secret.reveal() not in shown


def test_a_new_master_key_opens_them_too(store: Store) -> None:
    id = store.create_webhook(ADMIN, {"name": "finance", "url": URL, "secret": "s" * 16}).record.id
    store.rotate_master_key(ADMIN, Vault(os.urandom(32)))
    assert store.webhook_target(id).secret.reveal() == "s" * 16


def test_names_are_given_once_and_a_deleted_webhook_is_gone(store: Store) -> None:
    id = store.create_webhook(ADMIN, {"name": "finance", "url": URL}).record.id
    with pytest.raises(Conflict):
        store.create_webhook(ADMIN, {"name": "finance", "url": URL})
    store.delete_webhook(ADMIN, id)
    assert store.list_webhooks() == []
    with pytest.raises(NotFound):
        store.delete_webhook(ADMIN, id)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"url": "ftp://x/do-not-show"}, "url"),
        ({"url": "https://user:do-not-show@host/"}, "url"),
        ({"url": "https:///do-not-show"}, "url"),
        ({"url": None}, "url"),
        ({"kind": "teams"}, "kind"),
        ({"secret": "do-not-show"}, "secret"),
        ({"name": ""}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(store: Store, wrong: dict[str, object], named: str) -> None:
    with pytest.raises(Invalid, match=named) as refused:
        store.create_webhook(ADMIN, {"name": "finance", "url": URL, **wrong})
    assert "do-not-show" not in str(refused.value)
