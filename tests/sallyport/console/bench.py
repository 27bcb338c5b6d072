"""A console at work: what a test asks of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
from fastapi import FastAPI

from sallyport.console.app import routes
from sallyport.console.context import Console
from sallyport.ids import new_id
from sallyport.spend.ledger import insert_calls
from sallyport.store.database import writing
from sallyport.tracing.record import CallRecord

ADMIN_KEY = "an-admin-key-of-the-operator"
ORIGIN = "http://127.0.0.1:8081"


@functools.cache
def app() -> FastAPI:
    """Made once, for FastAPI reads all signatures anew for each; `attach` sets the console it works on."""
    return routes()


@dataclass
class Bench:
    """The console, a client that holds the admin key, one that does not, and each time workers were told of a change."""

    console: Console
    api: httpx2.AsyncClient
    anyone: httpx2.AsyncClient
    connect: Callable[..., httpx2.AsyncClient]
    changes: list[None] = field(default_factory=list[None])

    def record(self, **values: Any) -> CallRecord:
        """Append a call to the ledger."""
        known: dict[str, Any] = {"id": new_id(), "started_at": 0.0, "organization_id": "default", **values}
        record = CallRecord(**known)
        with writing(self.console.store.engine) as connection:
            insert_calls(connection, [record])
        return record

    async def ok(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """The JSON answer to an API request that must succeed."""
        response = await self.api.request(method, path, **more)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    async def refused(self, method: str, path: str, status: int, **more: Any) -> str:
        """The detail of an API request that must fail."""
        response = await self.api.request(method, path, **more)
        assert response.status_code == status, response.text
        answer = response.json()
        if path.startswith("/v1/platform/"):  # as LangSmith's API answers
            assert list(answer) == ["detail"]
        else:
            assert response.headers["content-type"] == "application/problem+json"
            assert answer == {"type": "about:blank", "title": answer["title"], "status": status, "detail": answer["detail"]}
        return answer["detail"]
