from __future__ import annotations

from tests.sallyport.console.bench import Bench


async def test_the_description_is_whole(bench: Bench) -> None:
    schema = (await bench.anyone.get("/openapi.json")).json()
    assert {path for path in schema["paths"] if path.startswith("/v1")} == {
        "/v1/admin-keys",
        "/v1/admin-keys/{id}",
        "/v1/platform/gateway-policies",
        "/v1/platform/gateway-policies/{id}",
        "/v1/platform/gateway-policies/{id}/children",
        "/v1/workspaces",
        "/v1/workspaces/{id}",
        "/v1/workspaces/{id}/secrets",
        "/v1/workspaces/{id}/secrets/{name}",
        "/v1/users",
        "/v1/users/{id}",
        "/v1/keys",
        "/v1/keys/{id}",
        "/v1/enrollments",
        "/v1/enrollments/{id}",
        "/v1/spend",
        "/v1/webhooks",
        "/v1/webhooks/{id}",
        "/v1/webhooks/{id}/test",
        "/v1/alerts",
        "/v1/calls",
        "/v1/calls/{id}",
        "/v1/redactions/replay",
        "/v1/redactions/trial",
        "/v1/violations",
        "/v1/violations/{id}",
        "/v1/violations/{id}/comments",
        "/v1/audit-logs",
        "/v1/audit-logs/verify",
        "/v1/audit-logs/events",
    }
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], f"{method} {path}"
            assert operation["description"], f"{method} {path}"
            if path.startswith("/v1/"):
                assert operation["security"] == [{"AdminKey": []}]
                kind = "application/json" if path.startswith("/v1/platform/") else "application/problem+json"
                for status, answer in operation["responses"].items():
                    assert status < "400" or answer["content"][kind]["schema"]["$ref"].endswith("/Problem"), (path, status)
    bodies = [name for name in schema["components"]["schemas"] if name.endswith("In")]
    assert len(bodies) >= 4
    for name in bodies:
        fields = schema["components"]["schemas"][name]
        assert all("examples" in fields["properties"][field] for field in fields.get("required", ())), name
    assert not any(path.startswith(("/login", "/live", "/static")) for path in schema["paths"])
