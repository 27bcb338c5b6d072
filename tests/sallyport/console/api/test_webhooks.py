from __future__ import annotations

from sallyport.alerts.raised import Crossing, raise_alerts
from tests.sallyport.console.bench import Bench

FINANCE = {"name": "finance", "url": "https://1.1.1.1/T000/do-not-show"}


async def test_a_webhooks_life(bench: Bench) -> None:
    made = await bench.ok("POST", "/v1/webhooks", 201, json=FINANCE)
    assert made["secret"].startswith("whsec_")
    known = {name: made[name] for name in ("id", "organization_id", "name", "kind", "host", "created_at")}
    listed = (await bench.api.get("/v1/webhooks")).text
    assert await bench.ok("GET", "/v1/webhooks") == {"items": [known], "next_cursor": None}
    assert "do-not-show" not in listed
    assert made["secret"] not in listed
    assert bench.changes == []  # workers have nothing to do with it
    await bench.ok("DELETE", f"/v1/webhooks/{made['id']}", 204)
    await bench.refused("POST", f"/v1/webhooks/{made['id']}/test", 404)
    await bench.refused("DELETE", f"/v1/webhooks/{made['id']}", 404)


async def test_a_webhook_into_our_own_network_is_refused(bench: Bench) -> None:
    for url in ("http://127.0.0.1:8081/v1/keys", "http://169.254.169.254/latest/meta-data"):
        assert "is not allowed" in await bench.refused("POST", "/v1/webhooks", 400, json={**FINANCE, "url": url})
    own = {**FINANCE, "secret": "s" * 16}
    assert (await bench.ok("POST", "/v1/webhooks", 201, json=own))["secret"] is None


async def test_alerts_tell_what_was_reached_and_how_their_deliveries_stand(bench: Bench) -> None:
    await bench.ok("POST", "/v1/webhooks", 201, json=FINANCE)
    start = 1_795_392_000.0  # 2026-11-23 00:00 UTC
    crossing = Crossing("default", "p", "Team", "user_id=ada|ben", "daily", start, 10**10, (50, 80), spend_nano=8 * 10**9)
    assert raise_alerts(bench.console.store.engine, crossing) == 80
    assert raise_alerts(bench.console.store.engine, crossing) is None
    listed = (await bench.ok("GET", "/v1/alerts"))["items"]
    top = next(alert for alert in listed if alert["threshold_percent"] == 80)
    assert top["subject"] == {"user_id": ["ada", "ben"]}
    assert (top["policy"], top["window_end"]) == ({"id": "p", "name": "Team"}, "2026-11-24T00:00:00.000000Z")
    assert top["deliveries"] == [{"webhook": "finance", "state": "waiting", "attempts": 0, "error": None}]
    assert {len(alert["deliveries"]) for alert in listed} == {0, 1}
