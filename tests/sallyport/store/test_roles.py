from __future__ import annotations

from typing import Any

import pytest

from sallyport.store.errors import Forbidden, Invalid, NotFound
from sallyport.store.models import Actor, StoredPolicy
from sallyport.store.operations import Store
from sallyport.store.roles import Scope

DAILY = {"window": "daily", "limit_usd": 5}


def cap(store: Store, actor: Actor, *matchers: tuple[str, str], policy_type: str = "spend_cap", **more: Any) -> StoredPolicy:
    given = [{"key": key, "value": value} for key, value in matchers]
    fields = {"name": "Cap", "policy_type": policy_type, "subject_matchers": given, "config": DAILY, **more}
    return store.create_policy(actor, fields)


@pytest.fixture
def scoped(store: Store) -> Store:
    return store.within(Scope(frozenset({"default"})))


def test_a_policy_is_of_the_one_workspace_that_it_can_hold_in(store: Store, actor: Actor) -> None:
    other = store.create_workspace(actor, {"name": "Other"}).id
    key = store.create_key(actor, workspace_id=other).record.id
    assert cap(store, actor).workspace_id is None
    assert cap(store, actor, ("user_id", "ada")).workspace_id is None
    assert cap(store, actor, ("workspace_id", "default")).workspace_id == "default"
    assert cap(store, actor, ("workspace_id", "default"), ("user_id", "ada")).workspace_id == "default"
    assert cap(store, actor, ("workspace_id", "default"), ("workspace_id", other)).workspace_id is None
    assert cap(store, actor, ("api_key_id", key)).workspace_id == other
    assert cap(store, actor, ("workspace_id", ""), policy_type="default_spend_cap").workspace_id is None
    assert cap(store, actor, ("api_key_id", ""), ("workspace_id", "default"), policy_type="default_spend_cap").workspace_id


def test_a_workspace_admin_makes_no_policy_for_others_and_takes_none_out_of_its_workspace(
    store: Store, scoped: Store, actor: Actor
) -> None:
    for matchers in ([], [("user_id", "ada")], [("workspace_id", "other")]):
        with pytest.raises(Forbidden, match="one of your workspaces"):
            cap(scoped, actor, *matchers)
    own = cap(scoped, actor, ("workspace_id", "default"))
    with pytest.raises(Forbidden):
        scoped.update_policy(actor, own.id, {"subject_matchers": []})
    whole = cap(store, actor)
    for act in (lambda: scoped.update_policy(actor, whole.id, {"enabled": False}), lambda: scoped.delete_policy(actor, whole.id)):
        with pytest.raises(NotFound):
            act()
    assert [policy.id for policy in scoped.list_policies().items] == [own.id]


@pytest.mark.parametrize(
    ("held", "taking"),
    [
        ({"policy_type": "default_spend_cap", "subject_matchers": [{"key": "api_key_id", "value": ""}], "config": DAILY}, DAILY),
        ({"policy_type": "model_access", "config": {"allow": ["openai/*"]}}, {"allow": ["*"]}),
    ],
)
def test_a_workspace_admin_puts_nothing_in_the_place_of_an_organizations_policy(
    store: Store, scoped: Store, actor: Actor, held: dict[str, Any], taking: dict[str, Any]
) -> None:
    store.create_policy(actor, {"name": "House rule", **held})
    policy_type = held["policy_type"].removeprefix("default_")
    mine = {"policy_type": policy_type, "subject_matchers": [{"key": "workspace_id", "value": "default"}], "config": taking}
    with pytest.raises(Forbidden, match="House rule"):
        scoped.create_policy(actor, {"name": "Mine", **mine})
    store.create_policy(actor, {"name": "Mine", **mine})


def test_a_member_makes_and_revokes_keys_of_its_own_user_alone(store: Store, actor: Actor) -> None:
    ada, eve = (store.create_user(actor, {"name": name}).id for name in ("Ada", "Eve"))
    made = store.create_admin_key(actor, "ada", role="member", workspaces=["default"], user_id=ada).record
    member = store.within(made.scope())
    own = member.create_key(actor, workspace_id="default").record
    assert own.user_id == ada
    with pytest.raises(Forbidden):
        member.create_key(actor, workspace_id="default", user_id=eve)
    foreign = store.create_key(actor, workspace_id="default", user_id=eve).record
    with pytest.raises(Forbidden):
        member.revoke_key(actor, foreign.id)
    assert member.revoke_key(actor, own.id).revoked_at
    assert [user.id for user in member.list_users().items] == [eve, ada]
    nobody = store.create_admin_key(actor, "nobody", role="member", workspaces=["default"]).record
    assert "gateway:invoke" not in nobody.permissions()


def test_a_role_is_given_for_workspaces_that_are_there(store: Store, actor: Actor) -> None:
    for role, workspaces in (("member", None), ("workspace_admin", []), ("auditor", ["default"]), ("member", ["nowhere"])):
        with pytest.raises(Invalid, match="workspaces"):
            store.create_admin_key(actor, role=role, workspaces=workspaces)  # pyright: ignore[reportArgumentType]


def test_an_audit_row_is_seen_by_those_whose_workspace_it_is_about(store: Store, scoped: Store, actor: Actor) -> None:
    other = store.create_workspace(actor, {"name": "Other"}).id
    store.create_key(actor, workspace_id=other)
    scoped.create_key(actor, workspace_id="default", name="mine")
    with pytest.raises(NotFound):
        scoped.update_workspace(actor, other, {"name": "Taken"})
    assert [(row.operation, row.workspace_id) for row in scoped.list_audit().items] == [("key.create", "default")]
    tried = store.list_audit(1).items[0]
    assert (tried.operation, tried.success, tried.workspace_id) == ("workspace.update", False, None)
    assert store.verify_audit()["ok"]


def test_where_callers_keys_are_sent_is_for_the_organization_to_say(store: Store, scoped: Store, actor: Actor) -> None:
    scoped.update_workspace(actor, "default", {"langsmith_endpoint": "https://langsmith.example"})
    with pytest.raises(Forbidden):
        scoped.update_workspace(actor, "default", {"langsmith_callers": "blue"})
    store.update_workspace(actor, "default", {"langsmith_callers": "blue"})
    with pytest.raises(Forbidden):
        scoped.update_workspace(actor, "default", {"langsmith_endpoint": "https://elsewhere.example"})
