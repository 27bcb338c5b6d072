"""How the API answers a create that names an `Idempotency-Key`: once done, its answer is given again for a day."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from sallyport.console.context import get_console
from sallyport.store.idempotency import Attempt, Kept
from sallyport.store.operations import Store

type Handler = Callable[[Request], Coroutine[Any, Any, Response]]

HEADER = "Idempotency-Key"


class ApiRoute(APIRoute):
    """A route of the admin API."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()
        return _once(answer) if is_create(self) else answer


def is_create(route: APIRoute) -> bool:
    return route.status_code == 201


def _once(answer: Handler) -> Handler:
    async def answer_once(request: Request) -> Response:
        attempt = await _attempt(request)
        if attempt is None:
            return await answer(request)
        store = get_console(request).store
        kept = await run_in_threadpool(store.begin, attempt)
        if kept is not None:
            headers = {"Idempotency-Replayed": "true"}
            return Response(kept.body, kept.status, headers, media_type="application/json")
        return await _keeping(store, attempt, answer, request)

    return answer_once


async def _keeping(store: Store, attempt: Attempt, answer: Handler, request: Request) -> Response:
    try:
        response = await answer(request)
    except Exception:
        await run_in_threadpool(store.forget, attempt)
        raise
    await run_in_threadpool(store.keep, attempt, Kept(response.status_code, bytes(response.body)))
    return response


async def _attempt(request: Request) -> Attempt | None:
    """What is to be done once; None where nothing says so, or by nobody."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    admin = await run_in_threadpool(get_console(request).admins.authenticate, request.headers.get("x-api-key", ""))
    if admin is None:
        return None  # refused by the route itself
    what = [request.method.encode(), request.url.path.encode(), request.url.query.encode(), await request.body()]
    fingerprint = hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in what)).hexdigest()
    return Attempt(admin.id, key, fingerprint)
