from __future__ import annotations

from typing import Any

import pytest

from tests.sallyport.console.bench import Bench


async def test_a_fresh_install_has_the_default_workspace(bench: Bench) -> None:
    (workspace,) = (await bench.ok("GET", "/v1/workspaces"))["items"]
    assert (workspace["id"], workspace["name"], workspace["organization_id"]) == ("default", "default", "default")
    assert (workspace["credentials"], workspace["trace_content"]) == ("replace", "none")


async def test_a_workspaces_life(bench: Bench) -> None:
    made = await bench.ok("POST", "/v1/workspaces", 201, json={"name": "Research"})
    path = f"/v1/workspaces/{made['id']}"
    settings = {"credentials": "passthrough", "trace_content": "redacted", "langsmith_endpoint": "https://smith.example"}
    changed = await bench.ok("PATCH", path, json={**settings, "langsmith_project": "agents"})
    assert changed == {**made, **settings, "langsmith_project": "agents", "updated_at": changed["updated_at"]}
    assert await bench.ok("GET", path) == changed
    assert (await bench.ok("PATCH", path, json={"langsmith_project": None}))["langsmith_project"] is None
    assert len(bench.changes) == 3


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"credentials": "steal"}, "credentials"),
        ({"trace_content": "all"}, "trace_content"),
        ({"langsmith_endpoint": "not a url"}, "langsmith_endpoint"),
        ({"name": None}, "name"),
        ({"organization_id": "other"}, "organization_id: unknown field"),
    ],
)
async def test_wrong_settings_are_named(bench: Bench, change: dict[str, Any], named: str) -> None:
    assert named in await bench.refused("PATCH", "/v1/workspaces/default", 400, json=change)


async def test_a_name_is_taken_once(bench: Bench) -> None:
    assert "default" in await bench.refused("POST", "/v1/workspaces", 409, json={"name": "default"})


async def test_an_unknown_organization_or_workspace_is_not_found(bench: Bench) -> None:
    assert "nowhere" in await bench.refused("POST", "/v1/workspaces", 404, json={"name": "x", "organization_id": "nowhere"})
    assert "nothing" in await bench.refused("PATCH", "/v1/workspaces/nothing", 404, json={"name": "x"})
    assert "nothing" in await bench.refused("GET", "/v1/workspaces/nothing", 404)
