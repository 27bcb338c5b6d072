from dataclasses import replace

from policies.holding import Holding
from policies.model import Subject
from policies.rate_limit import limits_for
from policies.spend_cap import caps_for
from tests.sallyport.spend.desk import cap, limit

SUBJECT = Subject("o", "w", "u", "k", {"team": "blue", "trace": "1"})
POLICIES = (cap(1, workspace_id="w"), cap(2, header_team="blue"), limit("tokens", "hour", 5, api_key_id="k"))


def test_each_caller_has_its_own_however_often_it_asks() -> None:
    holding = Holding()
    others = [replace(SUBJECT, workspace_id="x"), replace(SUBJECT, headers={"team": "red"}), replace(SUBJECT, api_key_id=None)]
    for _ in range(2):
        for subject in (SUBJECT, *others, replace(SUBJECT, headers={"team": "blue", "trace": "2"})):
            assert holding.of(POLICIES, subject) == (caps_for(POLICIES, subject), limits_for(POLICIES, subject))
    assert [len(holding.of(POLICIES, subject)[0]) for subject in (SUBJECT, *others)] == [2, 1, 1, 2]


def test_a_change_of_policies_holds_at_once() -> None:
    holding = Holding()
    assert len(holding.of(POLICIES, SUBJECT)[0]) == 2
    assert len(holding.of(POLICIES[:1], SUBJECT)[0]) == 1
    assert holding.of((), SUBJECT) == ((), ())
