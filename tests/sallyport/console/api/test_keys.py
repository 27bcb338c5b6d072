from __future__ import annotations

from typing import Any

import pytest

from sallyport.store.load import load_snapshot
from sallyport.vault.keys import hash_key
from tests.sallyport.console.bench import Bench


async def test_a_key_is_shown_once_and_holds_until_revoked(bench: Bench) -> None:
    user = await bench.ok("POST", "/v1/users", 201, json={"name": "Ada"})
    body = {"workspace_id": "default", "user_id": user["id"], "name": "laptop", "expires_at": "2100-01-01T00:00:00Z"}
    made = await bench.ok("POST", "/v1/keys", 201, json=body)
    key = made.pop("key")
    assert key.startswith("sp_")
    assert key.startswith(made["prefix"])
    assert made["expires_at"] == "2100-01-01T00:00:00.000000Z"

    assert await bench.ok("GET", f"/v1/keys/{made['id']}") == made
    assert (await bench.ok("GET", "/v1/keys"))["items"] == [made]
    store = bench.console.store
    assert load_snapshot(store.engine, store.vault).keys[hash_key(key)].user_id == user["id"]

    await bench.ok("DELETE", f"/v1/keys/{made['id']}", 204)
    await bench.ok("DELETE", f"/v1/keys/{made['id']}", 204)
    assert (await bench.ok("GET", f"/v1/keys/{made['id']}"))["revoked_at"] is not None
    assert load_snapshot(store.engine, store.vault).keys[hash_key(key)].revoked


@pytest.mark.parametrize(
    ("expires_at", "shown"),
    [
        ("2030-06-01T02:00:00+02:00", "2030-06-01T00:00:00.000000Z"),
        ("2030-06-01T00:00:00", "2030-06-01T00:00:00.000000Z"),
        (1906502400, "2030-06-01T00:00:00.000000Z"),
        (None, None),
    ],
)
async def test_times_are_understood(bench: Bench, expires_at: Any, shown: str | None) -> None:
    made = await bench.ok("POST", "/v1/keys", 201, json={"workspace_id": "default", "expires_at": expires_at})
    assert made["expires_at"] == shown


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "workspace_id: required"),
        ({"workspace_id": "nowhere"}, "workspace_id"),
        ({"workspace_id": "default", "user_id": "nobody"}, "user_id"),
        ({"workspace_id": "default", "expires_at": "tomorrow"}, "expires_at"),
        ({"workspace_id": "default", "name": "x" * 300}, "name"),
        ({"workspace_id": "default", "key": "sp_mine"}, "key: unknown field"),
    ],
)
async def test_wrong_keys_are_refused(bench: Bench, body: dict[str, Any], named: str) -> None:
    assert named in await bench.refused("POST", "/v1/keys", 400, json=body)


async def test_keys_are_listed_by_workspace_and_user(bench: Bench) -> None:
    workspace = await bench.ok("POST", "/v1/workspaces", 201, json={"name": "Research"})
    await bench.ok("POST", "/v1/keys", 201, json={"workspace_id": "default", "name": "one"})
    await bench.ok("POST", "/v1/keys", 201, json={"workspace_id": workspace["id"], "name": "two"})
    listed = await bench.ok("GET", "/v1/keys", params={"workspace_id": workspace["id"]})
    assert [key["name"] for key in listed["items"]] == ["two"]
    assert (await bench.ok("GET", "/v1/keys", params={"user_id": "nobody"}))["items"] == []


async def test_an_unknown_key_is_not_found(bench: Bench) -> None:
    assert "nothing" in await bench.refused("DELETE", "/v1/keys/nothing", 404)
    assert "nothing" in await bench.refused("GET", "/v1/keys/nothing", 404)
