from __future__ import annotations

import time

import httpx2

from sallyport.console.upkeep import Upkeep
from tests.sallyport.console.bench import Bench

FORM = {"name": "Each seat", "key": "user_id", "value": "", "window": "monthly", "limit_usd": "2"}


async def test_a_cap_without_an_id_is_each_ones_and_shows_what_each_has_spent(bench: Bench, browser: httpx2.AsyncClient) -> None:
    ada = (await bench.ok("POST", "/v1/users", 201, json={"name": "Ada <b>"}))["id"]
    bench.record(started_at=time.time(), workspace_id="default", user_id=ada, cost_nano=1_700_000_000)
    await Upkeep(bench.console.store, bench.console.redis).once()
    assert (await browser.post("/policies", data=FORM)).status_code == 303
    (policy,) = bench.console.store.list_policies().items
    assert policy.policy_type == "default_spend_cap"
    page = f"/policies/{policy.id}/children"
    assert f'href="{page}"' in (await browser.get("/policies")).text
    text = (await browser.get(page)).text
    for shown in ("Each seat", "$2.00 monthly", "Ada &lt;b&gt;", "$1.70 of $2.00"):
        assert shown in text
    await browser.post(f"/policies/{policy.id}/enable", data={"enabled": "false"})
    assert "Nobody yet" in (await browser.get(page)).text
    assert (await browser.get("/policies/nothing/children")).status_code == 404
