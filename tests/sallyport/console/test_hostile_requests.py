"""Every operation of the OpenAPI description gets values that nobody means well: no 5xx, no status that is not described."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from sallyport.tracing.record import Fired
from tests.sallyport.console.bench import Bench

TEXTS = (
    "", " ", "\0", "\x1b[2J", "\u202e", "é" * 100, "x" * 70_000, "'; DROP TABLE calls; --", "{{7*7}}", "../../etc/passwd", "%00",
    "null", "-1", "1e400", "NaN", "9" * 400, "2026-13-45T99:99:99Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    "9999-12-31T23:59:59.999999Z", "🗝",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, -(2**63) - 1, 10**400, 1e308, 0.1, [], [None], [[[]]], {}, {"": None}, {"$ne": 1}, *TEXTS,
)  # fmt: skip
RAW = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b'{"name": "\\ud800"}',
    b"\xff\xfe",
    b'{"name": NaN}',
    b"[" * 100_000,
    b'{"a":' * 50_000,
)


class Api:
    """The description, and one request after another that must keep to it."""

    def __init__(self, client: httpx2.AsyncClient, schema: dict[str, Any]) -> None:
        self.client = client
        self.schema = schema
        self.asked = 0
        self.surprises: list[str] = []

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, methods in self.schema["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation

    async def ask(self, method: str, path: str, operation: dict[str, Any], **request: Any) -> None:
        response = await self.client.request(method, path, **request)
        told = f"{method} {path[:80]} {str(request)[:200]} → {response.status_code} {response.text[:200]}"
        described = operation["responses"]
        # A path that fits no route is none of the operation's; the body's limit is everybody's.
        strays = {"404", "405", "413"} if "{" in operation["path"] else {"413"}
        healthy = response.status_code < 500 or operation["path"] in ("/healthz", "/readyz")
        if not healthy or str(response.status_code) not in described.keys() | strays:
            self.surprises.append(told)
        self.asked += 1

    def fields(self, operation: dict[str, Any]) -> dict[str, Any]:
        """A body that is well meant: each field's own example, where it has one."""
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return {}
        schema = self.schema["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        return {name: field.get("examples", [None])[0] for name, field in schema["properties"].items()}


@pytest.fixture
async def api(bench: Bench) -> Api:
    bench.record(id="a-call", started_at=1.0, fired=[Fired("p", "Budget", "spend_cap", "blocked", "cap reached")])
    schema = (await bench.anyone.get("/openapi.json")).json()
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            operation["path"] = path
    return Api(bench.api, schema)


def filled(path: str, value: str = "default") -> str:
    return re.sub(r"{\w+}", lambda _: quote(value, safe=""), path)


async def test_paths(api: Api) -> None:
    for path, method, operation in api.operations():
        if "{" in path:
            body = {"json": api.fields(operation)} if "requestBody" in operation else {}
            for text in TEXTS:
                if 0 < len(text) < 2000:
                    await api.ask(method, filled(path, text), operation, **body)
    assert api.surprises == []
    assert api.asked > 200


async def test_query_strings(api: Api) -> None:
    for path, method, operation in api.operations():
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                for text in TEXTS:
                    if len(text) < 2000:
                        await api.ask(method, f"{filled(path)}?{parameter['name']}={quote(text, safe='')}", operation)
                await api.ask(method, f"{filled(path)}?{parameter['name']}=%ff%fe", operation)
    assert api.surprises == []
    assert api.asked > 300


async def test_fields_of_bodies(api: Api) -> None:
    for path, method, operation in api.operations():
        good = api.fields(operation)
        for name in good:
            for value in VALUES:
                content = json.dumps({**good, name: value}).encode("utf-8", "surrogatepass")
                await api.ask(method, filled(path), operation, content=content, headers={"Content-Type": "application/json"})
    assert api.surprises == []
    assert api.asked > 500


async def test_whole_bodies(api: Api) -> None:
    for path, method, operation in api.operations():
        if "requestBody" in operation:
            for content in RAW:
                for kind in ("application/json", "text/plain", "multipart/form-data", "nonsense"):
                    await api.ask(method, filled(path), operation, content=content, headers={"Content-Type": kind})
    assert api.surprises == []
    assert api.asked > 200
