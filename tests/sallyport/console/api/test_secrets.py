from __future__ import annotations

from sallyport.store.load import load_snapshot
from tests.sallyport.console.bench import Bench

PATH = "/v1/workspaces/default/secrets"
CANARY = "sk-canary-1f7e0c44d2"


async def test_a_secret_goes_in_and_never_comes_out(bench: Bench) -> None:
    put = await bench.api.put(f"{PATH}/OPENAI_API_KEY", json={"value": CANARY})
    assert put.status_code == 200
    answers = [
        put,
        await bench.api.get(PATH),
        await bench.api.get(f"{PATH}/OPENAI_API_KEY"),
        await bench.api.get("/v1/audit-logs"),
        await bench.api.get("/v1/workspaces/default"),
    ]
    assert all(answer.status_code == 200 and CANARY not in answer.text for answer in answers)
    assert [item["name"] for item in answers[1].json()["items"]] == ["OPENAI_API_KEY"]
    store = bench.console.store
    assert load_snapshot(store.engine, store.vault).workspaces["default"].secrets["OPENAI_API_KEY"].reveal() == CANARY

    await bench.ok("DELETE", f"{PATH}/OPENAI_API_KEY", 204)
    assert (await bench.ok("GET", PATH))["items"] == []
    assert "OPENAI_API_KEY" in await bench.refused("GET", f"{PATH}/OPENAI_API_KEY", 404)
    assert "OPENAI_API_KEY" in await bench.refused("DELETE", f"{PATH}/OPENAI_API_KEY", 404)
    assert len(bench.changes) == 2


async def test_an_error_never_repeats_the_value(bench: Bench) -> None:
    for body in ({"value": [CANARY]}, {"value": {"nested": CANARY}}, {"valeu": CANARY}, CANARY, {"value": CANARY, CANARY: 1}):
        response = await bench.api.put(f"{PATH}/OPENAI_API_KEY", json=body)
        assert response.status_code == 400
        assert CANARY not in response.text or body == {"value": CANARY, CANARY: 1}  # there the caller made it a field's name
    assert "OPENAI_API_KEY" in await bench.refused("PUT", f"{PATH}/OPEN_AI", 400, json={"value": CANARY})
    assert "value" in await bench.refused("PUT", f"{PATH}/OPENAI_API_KEY", 400, json={"value": "  "})


async def test_an_unknown_workspace_is_not_found(bench: Bench) -> None:
    assert "nowhere" in await bench.refused("GET", "/v1/workspaces/nowhere/secrets", 404)
    assert "nowhere" in await bench.refused("PUT", "/v1/workspaces/nowhere/secrets/OPENAI_API_KEY", 404, json={"value": "x"})


async def test_a_pool_of_keys_is_named_by_its_labels(bench: Bench) -> None:
    values = [{"value": f"{CANARY}-a", "label": "a", "weight": 3}, {"value": f"{CANARY}-b", "label": "b"}]
    put = await bench.api.put(f"{PATH}/OPENAI_API_KEY", json={"values": values})
    assert put.status_code == 200
    assert [(key["label"], key["weight"]) for key in put.json()["keys"]] == [("a", 3), ("b", 1)]
    answers = [put, await bench.api.get(PATH), await bench.api.get("/v1/audit-logs")]
    assert all(CANARY not in answer.text for answer in answers)
    store = bench.console.store
    assert len(load_snapshot(store.engine, store.vault).workspaces["default"].pools["OPENAI_API_KEY"]) == 2
    for body in ({}, {"value": "x", "values": values}):
        assert "value: give the one key" in await bench.refused("PUT", f"{PATH}/OPENAI_API_KEY", 400, json=body)
    twice = {"values": [values[0], values[0]]}
    assert "'a' stands there twice" in await bench.refused("PUT", f"{PATH}/OPENAI_API_KEY", 400, json=twice)
    replaced = await bench.api.put(f"{PATH}/OPENAI_API_KEY", json={"value": CANARY})
    assert [key["label"] for key in replaced.json()["keys"]] == ["default"]
