from addons.turned_away import TurnedAway
from policies.model import Subject
from sallyport.spend.admission import Block
from sallyport.store.snapshot import Snapshot
from sallyport.tracing.record import PolicyRef

WHO = Subject("org", "ws", "user", "key")


def block(ends_at: float, firm: bool = True) -> Block:
    return Block(PolicyRef("p", "cap"), "spend_limit", "workspace", "daily", ends_at, firm)


def test_who_was_refused_is_refused_until_the_end():
    now = [100.0]
    memory = TurnedAway(clock=lambda: now[0])
    memory.remember(WHO, Snapshot(version=1), (block(200.0),))
    assert memory.find(WHO, Snapshot(version=1))
    now[0] = 200.0
    assert not memory.find(WHO, Snapshot(version=1))


def test_a_change_of_policy_is_a_new_chance():
    memory = TurnedAway(clock=lambda: 100.0)
    memory.remember(WHO, Snapshot(version=1), (block(200.0),))
    assert not memory.find(WHO, Snapshot(version=2))


def test_a_limit_that_calls_in_flight_may_free_is_asked_about_again():
    memory = TurnedAway(clock=lambda: 100.0)
    memory.remember(WHO, Snapshot(version=1), (block(200.0), block(300.0, firm=False)))
    assert not memory.find(WHO, Snapshot(version=1))


def test_others_are_not_affected():
    memory = TurnedAway(clock=lambda: 100.0)
    memory.remember(WHO, Snapshot(version=1), (block(200.0),))
    assert not memory.find(Subject("org", "ws", "user", "other key"), Snapshot(version=1))
    assert not memory.find(Subject("org", "ws", "user", "key", {"team": "x"}), Snapshot(version=1))
