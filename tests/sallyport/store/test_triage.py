from __future__ import annotations

from typing import Any

import pytest

from sallyport.spend import ledger
from sallyport.spend.ledger import insert_calls
from sallyport.store.database import writing
from sallyport.store.errors import Conflict, Invalid, NotFound
from sallyport.store.load import snapshot_version
from sallyport.store.models import Actor
from sallyport.store.operations import Store
from sallyport.tracing.record import CallRecord, Fired


def fire(store: Store, number: int) -> None:
    """Call `number`, blocked by the one policy."""
    fired = Fired("p", "Budget", "spend_cap", "blocked", "cap reached")
    record = CallRecord(
        id=f"c{number}", started_at=float(number), organization_id="default", api_key_id="k", outcome="blocked", fired=[fired]
    )
    with writing(store.engine) as connection:
        insert_calls(connection, [record])


def shown(store: Store) -> list[tuple[str, int]]:
    """State and count of all violations, latest first."""
    return [(row.state, row.count) for row in ledger.list_violations(store.engine).items]


@pytest.fixture
def violation(store: Store) -> str:
    fire(store, 1)
    return ledger.list_violations(store.engine).items[0].id


def test_one_that_is_known_counts_on_and_one_that_is_resolved_comes_anew(store: Store, actor: Actor, violation: str) -> None:
    store.triage_violation(actor, violation, {"state": "acknowledged", "assignee": "Ada"})
    fire(store, 2)
    assert shown(store) == [("acknowledged", 2)]
    store.triage_violation(actor, violation, {"state": "resolved"})
    fire(store, 3)
    fire(store, 4)
    assert shown(store) == [("open", 2), ("resolved", 2)]
    assert ledger.get_violation(store.engine, violation).assignee == "Ada"


def test_one_can_be_opened_again_unless_it_came_anew(store: Store, actor: Actor, violation: str) -> None:
    store.triage_violation(actor, violation, {"state": "resolved"})
    store.triage_violation(actor, violation, {"state": "open"})
    fire(store, 2)
    assert shown(store) == [("open", 2)]
    store.triage_violation(actor, violation, {"state": "resolved"})
    fire(store, 3)
    newer = ledger.list_violations(store.engine, state="open").items[0].id
    with pytest.raises(Conflict, match=newer):
        store.triage_violation(actor, violation, {"state": "open"})
    assert shown(store) == [("open", 1), ("resolved", 2)]


def test_comments_stay_in_order_and_are_signed(store: Store, actor: Actor, violation: str) -> None:
    store.comment_violation(actor, violation, " first\r\nline two ")
    store.comment_violation(Actor("cli:ada"), violation, "second")
    comments = store.list_comments(violation)
    assert [(comment.author, comment.text) for comment in comments] == [("tester", "first\nline two"), ("cli:ada", "second")]


@pytest.mark.parametrize("text", ["", " \n ", "x" * 4001, "\x1b[2J", "a\0b"])
def test_a_comment_is_plain_text(store: Store, actor: Actor, violation: str, text: str) -> None:
    with pytest.raises(Invalid, match="text must"):
        store.comment_violation(actor, violation, text)
    assert store.list_comments(violation) == []


@pytest.mark.parametrize("changes", [{"state": "closed"}, {"state": None}, {"assignee": "\x1b"}, {"assignee": 3}, {"count": 0}])
def test_what_can_not_be_meant_changes_nothing(store: Store, actor: Actor, violation: str, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        store.triage_violation(actor, violation, {"assignee": "Ada", **changes})
    row = ledger.get_violation(store.engine, violation)
    assert (row.state, row.assignee, row.count) == ("open", None, 1)


def test_an_unknown_violation_is_not_found(store: Store, actor: Actor) -> None:
    for ask in (
        lambda: store.triage_violation(actor, "nothing", {"state": "open"}),
        lambda: store.comment_violation(actor, "nothing", "x"),
        lambda: store.list_comments("nothing"),
    ):
        with pytest.raises(NotFound):
            ask()


def test_triage_is_audited_and_no_news_for_the_workers(store: Store, actor: Actor, violation: str) -> None:
    told: list[None] = []
    store.on_change = lambda: told.append(None)
    version = snapshot_version(store.engine)
    store.triage_violation(actor, violation, {"state": "resolved"})
    store.comment_violation(actor, violation, "done")
    commented, resolved = store.list_audit(2).items
    assert (resolved.operation, resolved.resource_id, resolved.actor) == ("violation.update", violation, "tester")
    assert resolved.before == {"policy_name": "Budget", "state": "open", "assignee": None}
    assert (resolved.after or {})["state"] == "resolved"
    assert (commented.operation, (commented.after or {})["text"]) == ("violation.comment", "done")
    assert store.verify_audit()["ok"]
    assert (told, snapshot_version(store.engine)) == ([], version)
