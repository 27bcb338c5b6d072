from __future__ import annotations

import re

import httpx2
import pytest

from sallyport.store.load import load_snapshot
from sallyport.vault.keys import hash_key
from tests.sallyport.console.bench import Bench


async def test_a_key_is_made_shown_once_and_revoked(bench: Bench, browser: httpx2.AsyncClient) -> None:
    response = await browser.post("/keys", data={"name": "laptop", "workspace_id": "default", "user_id": "", "days": "30"})
    assert response.status_code == 201
    shown = re.search(r"sp_\w{43}", response.text)
    assert shown is not None
    store = bench.console.store
    key = load_snapshot(store.engine, store.vault).keys[hash_key(shown[0])]
    assert key.name == "laptop"
    assert key.expires_at is not None
    assert shown[0] not in (await browser.get("/keys")).text

    assert (await browser.post(f"/keys/{key.id}/revoke")).status_code == 303
    assert "revoked" in (await browser.get("/keys")).text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"name": "", "workspace_id": "default"}, "Name must"),
        ({"name": "x", "workspace_id": "nowhere"}, "no workspace"),
        ({"name": "x", "workspace_id": "default", "days": "soon"}, "whole number of days"),
        ({}, "no workspace"),
    ],
)
async def test_a_wrong_key_form_says_why(browser: httpx2.AsyncClient, form: dict[str, str], told: str) -> None:
    response = await browser.post("/keys", data=form)
    assert response.status_code == 400
    assert told in response.text


async def test_a_secret_is_stored_and_deleted(browser: httpx2.AsyncClient) -> None:
    form = {"workspace_id": "default", "name": "OPENAI_API_KEY"}
    response = await browser.post("/secrets", data={**form, "value": "sk-canary-77"}, follow_redirects=True)
    assert '<td class="mono nowrap">OPENAI_API_KEY' in response.text
    assert "sk-canary-77" not in response.text
    refused = await browser.post("/secrets", data={**form, "value": " "})
    assert refused.status_code == 400
    response = await browser.post("/secrets/delete", data=form, follow_redirects=True)
    assert "No provider secret yet" in response.text


async def test_a_cap_is_set_turned_off_and_deleted(bench: Bench, browser: httpx2.AsyncClient) -> None:
    form = {"name": "Budget", "key": "workspace_id", "value": " default ", "window": "daily", "limit_usd": "$2.50"}
    assert (await browser.post("/policies", data=form)).status_code == 303
    (policy,) = bench.console.store.list_policies().items
    assert policy.subject_matchers == [{"key": "workspace_id", "value": "default"}]
    assert policy.config["limit_usd"] == "2.5"
    assert "$2.50 daily" in (await browser.get("/policies")).text

    await browser.post(f"/policies/{policy.id}/enable", data={"enabled": "false"})
    assert bench.console.store.get_policy(policy.id).enabled is False
    await browser.post(f"/policies/{policy.id}/delete")
    assert bench.console.store.list_policies().items == []
    assert (await browser.post(f"/policies/{policy.id}/delete")).status_code == 404


async def test_a_wrong_cap_form_says_why(browser: httpx2.AsyncClient) -> None:
    response = await browser.post("/policies", data={"name": "x", "key": "", "window": "daily", "limit_usd": "lots"})
    assert response.status_code == 400
    assert "Config.limit_usd" in response.text
