from typing import Any

import pytest

from sallyport.store.errors import Conflict, Invalid, NotFound
from sallyport.store.models import Actor
from sallyport.store.operations import Store

CAP: dict[str, Any] = {
    "name": "cap",
    "policy_type": "spend_cap",
    "subject_matchers": [{"key": "user_id", "value": "u"}, {"key": "workspace_id", "value": "w"}],
    "config": {"window": "daily", "limit_usd": 10},
}


def test_a_policy_is_made_with_its_defaults(store: Store, actor: Actor) -> None:
    policy = store.create_policy(actor, CAP)
    assert (policy.action, policy.enabled, policy.priority) == ("block", True, 0)
    assert policy.subject_matchers == CAP["subject_matchers"]
    assert policy.config["window"] == "daily"
    assert store.get_policy(policy.id) == policy
    assert store.list_policies().items == [policy]
    assert store.list_policies(policy_type="guard").items == []


def test_equal_matchers_and_window_change_the_policy_that_is_there(store: Store, actor: Actor) -> None:
    first = store.create_policy(actor, CAP)
    reordered = CAP | {"subject_matchers": CAP["subject_matchers"][::-1], "name": "renamed"}
    second = store.create_policy(actor, reordered | {"config": {"window": "daily", "limit_usd": 20}})
    assert (second.id, second.name, second.config["limit_usd"]) == (first.id, "renamed", "20")
    other_window = store.create_policy(actor, CAP | {"config": {"window": "monthly", "limit_usd": 20}})
    assert other_window.id != first.id
    assert len(store.list_policies().items) == 2


def test_a_patch_changes_only_what_it_names(store: Store, actor: Actor) -> None:
    policy = store.create_policy(actor, CAP)
    changed = store.update_policy(actor, policy.id, {"enabled": False, "config": {"limit_usd": "0.01"}})
    assert (changed.enabled, changed.name) == (False, "cap")
    assert (changed.config["limit_usd"], changed.config["window"]) == ("0.01", "daily")
    assert changed.created_at == policy.created_at
    assert store.update_policy(actor, policy.id, {"policy_type": "spend_cap", "name": "n"}).name == "n"


def test_a_patch_can_neither_change_the_type_nor_collide(store: Store, actor: Actor) -> None:
    policy = store.create_policy(actor, CAP)
    monthly = store.create_policy(actor, CAP | {"config": {"window": "monthly", "limit_usd": 20}})
    with pytest.raises(Invalid, match="policy_type"):
        store.update_policy(actor, policy.id, {"policy_type": "guard"})
    with pytest.raises(Conflict, match=policy.id):
        store.update_policy(actor, monthly.id, {"config": {"window": "daily"}})
    assert store.get_policy(monthly.id) == monthly


def test_a_deleted_policy_is_gone(store: Store, actor: Actor) -> None:
    policy = store.create_policy(actor, CAP)
    store.delete_policy(actor, policy.id)
    for operation in (lambda: store.get_policy(policy.id), lambda: store.delete_policy(actor, policy.id)):
        with pytest.raises(NotFound):
            operation()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"policy_type": "magic"}, "policy_type"),
        ({"policy_type": None}, "policy_type"),
        ({"action": "redact"}, "action"),
        ({"subject_matchers": "all"}, "subject_matchers"),
        ({"subject_matchers": [{"key": "planet", "value": "x"}]}, r"subject_matchers\[0\]"),
        ({"config": {"window": "daily"}}, "config.limit_usd"),
        ({"config": None}, "config"),
        ({"enabled": "yes"}, "enabled"),
        ({"priority": 1.5}, "priority"),
        ({"colour": "red"}, "colour"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_wrong_policy_is_refused_by_the_name_of_the_field(
    store: Store, actor: Actor, fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid, match=f"^{field}"):
        store.create_policy(actor, CAP | fields)
    policy = store.create_policy(actor, CAP)
    with pytest.raises(Invalid, match=f"^{field}"):
        store.update_policy(
            actor, policy.id, fields if "config" not in fields else {"config": fields["config"] and {"limit_usd": "x"}}
        )
