from __future__ import annotations

import re
from dataclasses import replace

import httpx2

from sallyport.alerts.post import Poster
from sallyport.alerts.raised import PAUSES, Crossing, due, raise_alerts, settle
from sallyport.console.app import attach
from sallyport.store.models import Actor
from tests.sallyport.alerts.receiver import receiving
from tests.sallyport.console.bench import Bench, app

FINANCE = {"name": "finance", "kind": "slack", "url": "https://1.1.1.1/T000/do-not-show"}


async def test_a_webhook_is_added_and_deleted(bench: Bench, browser: httpx2.AsyncClient) -> None:
    assert "No webhook yet" in (await browser.get("/alerts")).text
    made = await browser.post("/alerts/webhooks", data=FINANCE)
    assert made.status_code == 201
    shown = re.search(r"whsec_[\w-]+", made.text)
    assert shown is not None
    text = (await browser.get("/alerts")).text
    assert "finance" in text
    assert "do-not-show" not in made.text + text
    assert shown[0] not in text
    (webhook,) = bench.console.store.list_webhooks()
    assert (await browser.post(f"/alerts/webhooks/{webhook.id}/delete")).status_code == 303
    assert bench.console.store.list_webhooks() == []
    assert (await browser.post(f"/alerts/webhooks/{webhook.id}/delete")).status_code == 404


async def test_a_wrong_webhook_form_says_why(browser: httpx2.AsyncClient) -> None:
    for form, told in (
        ({**FINANCE, "url": "nonsense"}, "Url must be a URL"),
        ({**FINANCE, "url": "http://127.0.0.1:8081/v1/keys"}, "is not allowed"),
        ({**FINANCE, "kind": "pigeon"}, "Kind must be"),
    ):
        response = await browser.post("/alerts/webhooks", data=form)
        assert response.status_code == 400
        assert told in response.text


async def test_a_test_says_whether_it_arrived(bench: Bench, browser: httpx2.AsyncClient) -> None:
    with receiving() as receiver:
        fields = {"name": "finance", "url": receiver.url, "kind": "generic"}
        webhook = bench.console.store.create_webhook(Actor("test"), fields).record
        told = (await browser.post(f"/alerts/webhooks/{webhook.id}/test")).text
        assert "The test was not delivered: 127.0.0.1 is not allowed" in told
        allowing = bench.console.settings.model_copy(update={"allow_destinations": ("127.0.0.0/8",)})
        attach(app(), replace(bench.console, poster=Poster(allowing)))
        assert "The test was delivered." in (await browser.post(f"/alerts/webhooks/{webhook.id}/test")).text
        assert [told["type"] for told in receiver.content] == ["test"]


async def test_what_was_reached_by_whom_and_who_was_told(bench: Bench, browser: httpx2.AsyncClient) -> None:
    ada = (await bench.ok("POST", "/v1/users", 201, json={"name": "Ada <b>"}))["id"]
    await browser.post("/alerts/webhooks", data=FINANCE)
    engine, start = bench.console.store.engine, 1_795_392_000.0  # 2026-11-23 00:00 UTC
    for subject in (f"user_id={ada}|ben", "header:team=blue%26red"):
        raise_alerts(engine, Crossing("default", "p", "Team", subject, "daily", start, 10**10, (80,), spend_nano=8_123_456_789))
    arrived, lost = due(engine, 9e9)
    settle(engine, arrived, None, start)
    settle(engine, replace(lost, attempts=len(PAUSES)), "1.1.1.1 answered 503", start)
    text = (await browser.get("/alerts")).text
    for shown in ("Ada &lt;b&gt;", "ben", "header:team", "blue&amp;red", "80 %", "$8.1235", "From 2026-11-23 00:00:00 UTC"):
        assert shown in text
    for told in ("finance: delivered", "finance: failed", "1.1.1.1 answered 503"):
        assert told in text
