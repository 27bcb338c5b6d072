"""Who spends near a cap: word of it is sent once, whatever happens in between."""

from __future__ import annotations

import hmac
import time
from dataclasses import replace

import pytest

from policies.model import Policy
from sallyport.alerts.raised import PAUSES, Crossing, deliveries_of, list_alerts, raise_alerts
from sallyport.alerts.watcher import Watcher
from sallyport.spend import keys
from sallyport.store.errors import NotFound
from tests.sallyport.alerts.conftest import ADMIN, Budget
from tests.sallyport.alerts.receiver import Receiver

SECRET = "a-secret-of-sixteen"


def hook(budget: Budget, receiver: Receiver, name: str = "finance", kind: str = "generic") -> str:
    return budget.store.create_webhook(ADMIN, {"name": name, "url": receiver.url, "kind": kind, "secret": SECRET}).record.id


async def test_each_threshold_is_told_once(budget: Budget, receiver: Receiver) -> None:
    hook(budget, receiver)
    cap = budget.cap(10)
    for usd in (4.99, 0.01, 1, 2, 1, 1, 5):
        await budget.spend(usd)
        await budget.look()
        await budget.look()
    assert [(told["threshold_percent"], told["spend_usd"]) for told in receiver.content] == [(50, "5"), (80, "8"), (100, "10")]
    told = receiver.content[0]
    assert told["type"] == "spend.threshold"
    assert (told["policy"]["id"], told["subject"], told["limit_usd"]) == (cap, {"organization_id": "default"}, "10")
    assert told["window_end"] > told["window_start"]


def test_each_window_has_its_own(budget: Budget) -> None:
    crossing = Crossing("default", "p", "cap", "user_id=ada", "daily", 1_795_392_000.0, 10**10, (50,), spend_nano=5 * 10**9)
    tomorrow = replace(crossing, window_start=crossing.window_start + 86400)
    assert [raise_alerts(budget.store.engine, one) for one in (crossing, crossing, tomorrow)] == [50, None, 50]


async def test_of_several_thresholds_at_once_the_highest_is_told(budget: Budget, receiver: Receiver) -> None:
    hook(budget, receiver)
    budget.cap(10, alert_at=[10, 90, 20])
    await budget.spend(9.5)
    await budget.look()
    assert [told["threshold_percent"] for told in receiver.content] == [90]
    assert sorted(alert.percent for alert in list_alerts(budget.store.engine).items) == [10, 20, 90]


async def test_each_subject_of_a_default_cap_has_its_own(budget: Budget, receiver: Receiver) -> None:
    hook(budget, receiver)
    budget.cap(10, "default_spend_cap", ("header:team", ""), alert_at=[50])
    await budget.spend(6, headers={"team": "a&b"})
    await budget.spend(4, headers={"team": "red"})
    await budget.spend(7, headers={"team": "blue"})
    await budget.look()
    assert sorted(told["subject"]["header:team"] for told in receiver.content) == ["a&b", "blue"]


async def test_a_restart_between_spend_alert_and_delivery_loses_and_repeats_nothing(budget: Budget, receiver: Receiver) -> None:
    hook(budget, receiver)
    budget.cap(10)
    await budget.spend(5)
    budget.restart()  # before anybody looked
    await budget.watcher.once()
    budget.restart()  # before it was delivered
    await budget.look()
    budget.restart()
    await budget.look()
    assert [told["threshold_percent"] for told in receiver.content] == [50]


async def test_what_was_not_taken_is_sent_again_after_ever_longer_pauses_until_it_is(budget: Budget, receiver: Receiver) -> None:
    receiver.statuses = [500, 302, 200]
    id = hook(budget, receiver)
    budget.cap(10)
    await budget.spend(5)
    await budget.look()
    await budget.look()
    assert len(receiver.got) == 1
    await budget.look(after=PAUSES[0] + 1)
    await budget.look(after=PAUSES[0] + 2)
    assert len(receiver.got) == 2
    await budget.look(after=PAUSES[0] + PAUSES[1] + 3)
    assert len(receiver.got) == 3
    [alert] = list_alerts(budget.store.engine).items
    [sent] = deliveries_of(budget.store.engine, [alert.id])[alert.id]
    assert (sent.webhook, sent.state, sent.attempts, sent.error) == ("finance", "delivered", 3, None)
    assert len({told["id"] for told in receiver.content}) == 1
    budget.store.delete_webhook(ADMIN, id)
    with pytest.raises(NotFound):
        budget.store.webhook_target(id)


async def test_who_never_answers_well_is_given_up(budget: Budget, receiver: Receiver) -> None:
    receiver.statuses = [503] * 50
    hook(budget, receiver)
    budget.cap(10)
    await budget.spend(5)
    after = 0.0
    for pause in (0.0, *PAUSES, 10**6):
        after += pause + 1
        await budget.look(after)
    [alert] = list_alerts(budget.store.engine).items
    [sent] = deliveries_of(budget.store.engine, [alert.id])[alert.id]
    assert (sent.state, sent.attempts, sent.error) == ("failed", len(PAUSES) + 1, "127.0.0.1 answered 503")


async def test_what_is_sent_is_signed(budget: Budget, receiver: Receiver) -> None:
    hook(budget, receiver)
    budget.cap(10)
    await budget.spend(5)
    await budget.look()
    headers, body = receiver.got[0]
    at, _, given = headers["x-sallyport-signature"].removeprefix("t=").partition(",v1=")
    assert abs(time.time() - int(at)) < 60
    assert hmac.compare_digest(given, hmac.new(SECRET.encode(), f"{at}.".encode() + body, "sha256").hexdigest())
    assert headers["content-type"] == "application/json"


async def test_slack_gets_a_line_in_which_nothing_is_markup(budget: Budget, receiver: Receiver) -> None:
    hook(budget, receiver, kind="slack")
    budget.cap(10, "spend_cap", ("header:team", "<!channel>"))
    await budget.spend(8, headers={"team": "<!channel>"})
    await budget.look()
    [told] = receiver.content
    assert list(told) == ["text"]
    assert told["text"].startswith("*cap &lt;10&gt; &amp; more*: 80 % reached by header:team &lt;!channel&gt;: $8.00 of $10.00")


async def test_a_changed_limit_is_told_of_anew_without_a_further_call(budget: Budget, receiver: Receiver) -> None:
    hook(budget, receiver)
    cap = budget.cap(100)
    await budget.spend(9)
    await budget.look()
    assert receiver.got == []
    budget.store.update_policy(ADMIN, cap, {"config": {"limit_usd": 10}})
    budget.restart()
    await budget.look()
    assert [told["threshold_percent"] for told in receiver.content] == [80]


async def test_a_call_recorded_just_before_its_default_cap_is_known_here_is_not_overlooked(
    budget: Budget, receiver: Receiver
) -> None:
    hook(budget, receiver)
    policies: tuple[Policy, ...] = ()
    budget.watcher = Watcher(budget.client, budget.store.engine, lambda: policies)
    budget.cap(10, "default_spend_cap", ("user_id", ""))
    await budget.spend(9, user_id="ada")
    await budget.look()
    policies = budget.policies()
    await budget.look()
    assert [told["subject"] for told in receiver.content] == [{"user_id": "ada"}]


async def test_counters_that_redis_lost_raise_nothing_and_what_they_hold_later_does(budget: Budget, receiver: Receiver) -> None:
    hook(budget, receiver)
    budget.cap(10)
    await budget.spend(9)
    await budget.client.delete(keys.epoch("default"))
    await budget.look()
    assert receiver.got == []
    await budget.client.set(keys.epoch("default"), 1)
    await budget.spend(0)
    await budget.look()
    assert len(receiver.got) == 1


async def test_a_cap_that_wants_no_alerts_sends_none(budget: Budget, receiver: Receiver) -> None:
    hook(budget, receiver)
    budget.cap(10, alert_at=[])
    budget.cap(0, "spend_cap", ("workspace_id", "default"))
    await budget.spend(10)
    await budget.look()
    assert receiver.got == []
