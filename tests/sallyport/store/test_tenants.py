from collections.abc import Mapping

import pytest

from sallyport.store.errors import Conflict, Invalid, NotFound
from sallyport.store.models import Actor
from sallyport.store.operations import Store


def test_a_workspace_is_made_listed_and_changed(store: Store, actor: Actor) -> None:
    made = store.create_workspace(actor, {"name": " research ", "credentials": "passthrough"})
    assert (made.name, made.organization_id, made.credentials) == ("research", "default", "passthrough")
    assert store.get_workspace(made.id) == made
    changed = store.update_workspace(
        actor,
        made.id,
        {"trace_content": "redacted", "langsmith_endpoint": "https://smith.example/api/", "langsmith_project": "p"},
    )
    assert (changed.name, changed.trace_content) == ("research", "redacted")
    assert (changed.langsmith_endpoint, changed.langsmith_project) == ("https://smith.example/api", "p")
    assert [workspace.name for workspace in store.list_workspaces().items] == ["research", "default"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x", "credentials": "steal"}, "credentials"),
        ({"name": "x", "trace_content": "all"}, "trace_content"),
        ({"name": "x", "langsmith_endpoint": "ftp://x"}, "langsmith_endpoint"),
        ({"name": "x", "langsmith_endpoint": "https://u:p@x"}, "langsmith_endpoint"),
        ({"name": "x", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_workspace_is_refused_by_the_name_of_the_field(
    store: Store, actor: Actor, fields: Mapping[str, object], field: str
) -> None:
    with pytest.raises(Invalid, match=f"^{field} "):
        store.create_workspace(actor, fields)


def test_names_of_workspaces_and_addresses_of_users_are_unique(store: Store, actor: Actor) -> None:
    store.create_workspace(actor, {"name": "a"})
    other = store.create_workspace(actor, {"name": "b"})
    with pytest.raises(Conflict, match="name"):
        store.create_workspace(actor, {"name": "a"})
    with pytest.raises(Conflict, match="name"):
        store.update_workspace(actor, other.id, {"name": "a"})
    assert store.get_workspace(other.id).name == "b"
    store.create_user(actor, {"name": "Ada", "email": "ada@example.org"})
    user = store.create_user(actor, {"name": "Ada"})
    with pytest.raises(Conflict, match="email"):
        store.update_user(actor, user.id, {"email": "ada@example.org"})


def test_a_user_is_made_and_changed(store: Store, actor: Actor) -> None:
    user = store.create_user(actor, {"name": "Ada", "email": "ada@example.org"})
    changed = store.update_user(actor, user.id, {"email": None})
    assert (changed.name, changed.email) == ("Ada", None)
    assert store.list_users().items == [changed]
    assert store.get_user(user.id) == changed
    with pytest.raises(Invalid, match="email"):
        store.create_user(actor, {"name": "x", "email": "nobody"})


def test_what_is_not_there_is_not_found(store: Store, actor: Actor) -> None:
    with pytest.raises(NotFound, match="no workspace 'x'"):
        store.get_workspace("x")
    with pytest.raises(NotFound):
        store.update_workspace(actor, "x", {"name": "y"})
    with pytest.raises(NotFound):
        store.get_user("x")
    with pytest.raises(NotFound, match="no organization 'x'"):
        store.create_user(actor, {"name": "y"}, "x")
    assert store.get_organization("default").name == "default"
