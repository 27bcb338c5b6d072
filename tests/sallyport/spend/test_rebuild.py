"""Counters that Redis lost come back from the ledger."""

from __future__ import annotations

from dataclasses import replace

from sallyport.spend.ledger import Sum
from sallyport.spend.rebuild import needs_rebuild, rebuild, rows_of, seed
from tests.sallyport.spend.desk import NOON, Desk, cap


async def test_counters_are_set_from_the_ledger_and_go_on_from_there(desk: Desk) -> None:
    assert await needs_rebuild(desk.client, "o")
    sums = {
        "daily": [Sum("w", "u", "k", 40), Sum("w", "bob", "k2", 2), Sum("w2", None, "k3", 100)],
        "hourly": [Sum("w", "u", "k", 4)],
    }
    await rebuild(desk.client, "o", rows_of("o", sums), at=NOON)
    assert not await needs_rebuild(desk.client, "o")
    assert await desk.spent() == 42
    assert await desk.spent("organization_id=o") == 142
    assert await desk.spent("user_id=u", "hourly") == 4
    assert await desk.spent("user_id=u", "monthly") == 0
    record = desk.call()
    await desk.admit(record)
    await desk.gate.settle(replace(record, cost_nano=8))
    assert await desk.spent() == 50


async def test_rebuilding_replaces_and_leaves_reservations_alone(desk: Desk) -> None:
    desk.policies = (cap("0.0000001", workspace_id="w"),)
    record = desk.call()
    await desk.admit(record, expected=60)
    for _ in range(2):
        await rebuild(desk.client, "o", [("workspace_id=w", "daily", 40)], at=NOON)
    assert await desk.spent() == 40
    assert not (await desk.admit(desk.call())).admitted  # 60 held and 40 settled reach 100
    await desk.gate.settle(replace(record, cost_nano=1))
    assert await desk.spent() == 41
    assert await desk.left_over() == []


async def test_a_subject_nobody_counted_can_be_seeded(desk: Desk) -> None:
    await seed(desk.client, "o", [("header:team=blue", "daily", 100)], at=NOON)
    assert await needs_rebuild(desk.client, "o")
    desk.policies = (cap("0.0000001", header_team="blue"),)
    assert not (await desk.admit(desk.call())).admitted
