"""Subjects that nobody counted start at what the ledger has for them."""

from __future__ import annotations

from sallyport.spend.rebuild import needs_rebuild, seed
from tests.sallyport.spend.desk import NOON, Desk, cap


async def test_a_subject_nobody_counted_can_be_seeded(desk: Desk) -> None:
    await seed(desk.client, "o", [("header:team=blue", "daily", 100)], at=NOON)
    assert await needs_rebuild(desk.client, "o")
    desk.policies = (cap("0.0000001", header_team="blue"),)
    assert not (await desk.admit(desk.call())).admitted
