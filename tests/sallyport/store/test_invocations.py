from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import text

from sallyport.spend.ledger import insert_calls
from sallyport.store.database import writing
from sallyport.store.models import Actor
from sallyport.store.ocsf import change_event, invocation_event
from sallyport.store.operations import Store
from sallyport.store.roles import Scope
from sallyport.tracing.record import CallRecord, PolicyRef

RECORDER = Actor("recorder")
SOON = 60.0


@pytest.fixture
def recorded(store: Store) -> Store:
    add(store, "a", user_id="ada", client_ip="192.0.2.9", matched=[PolicyRef("p", "Cap")], status=200)
    add(store, "b", workspace_id="other", outcome="blocked", violated=[PolicyRef("p", "Cap")], status=402)
    return store


def add(store: Store, id: str, **more: Any) -> None:
    values: dict[str, Any] = {"organization_id": "default", "workspace_id": "default", "api_key_id": "k", **more}
    with writing(store.engine) as connection:
        insert_calls(connection, [CallRecord(id=id, started_at=1.0, provider="openai", model="gpt-4o", **values)])
        connection.execute(text("UPDATE calls SET recorded_at = recorded_at - 60"))  # they have settled by now


def test_a_seal_shows_what_was_done_to_calls(recorded: Store) -> None:
    seal = recorded.seal_invocations(RECORDER, time.time())
    assert seal is not None
    assert seal.calls == 2
    assert recorded.seal_invocations(RECORDER, time.time()) is None
    assert recorded.verify_audit(invocations=True)["ok"]
    row = recorded.list_audit(1).items[0]
    assert (row.operation, row.after and row.after["calls"]) == ("invocations.seal", 2)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE calls SET user_id = 'eve' WHERE id = 'a'",
        "UPDATE calls SET cost_nano = 0, outcome = 'success' WHERE id = 'b'",
        "DELETE FROM calls WHERE id = 'a'",
    ],
)
def test_changed_and_deleted_calls_break_their_seal(recorded: Store, tampering: str) -> None:
    recorded.seal_invocations(RECORDER, time.time())
    seq = recorded.list_audit(1).items[0].seq
    with writing(recorded.engine) as connection:
        connection.execute(text(tampering))
    assert recorded.verify_audit()["ok"]
    assert recorded.verify_audit(invocations=True)["broken_at"] == seq


def test_calls_are_followed_in_the_order_they_were_recorded(recorded: Store) -> None:
    first = recorded.list_invocations(1)
    assert [call.id for call in first.items] == ["a"]
    rest = recorded.list_invocations(10, first.next_cursor)
    assert [call.id for call in rest.items] == ["b"]
    assert recorded.list_invocations(10, rest.next_cursor).items == []
    scoped = recorded.within(Scope(frozenset({"other"})))
    assert [call.id for call in scoped.list_invocations().items] == ["b"]


def test_both_are_ocsf_events(recorded: Store, actor: Actor) -> None:
    user = recorded.create_user(actor, {"name": "Ada"})
    change = change_event(recorded.list_audit(1).items[0])
    assert (change["class_uid"], change["type_uid"], change["activity_id"], change["status_id"]) == (6003, 600301, 1, 1)
    assert change["actor"]["user"]["name"] == "tester"
    assert change["src_endpoint"] == {"ip": "192.0.2.7"}
    assert change["resources"] == [{"type": "user", "name": user.id}]
    done, refused = (invocation_event(call) for call in recorded.list_invocations().items)
    assert (done["status_id"], done["unmapped"]["matched_policy_ids"], done["actor"]["user"]["uid"]) == (1, ["p"], "ada")
    assert (refused["status_id"], refused["status_code"], refused["unmapped"]["violated_policy_ids"]) == (2, "402", ["p"])
