"""`/healthz`, `/readyz` and `/metrics`: open, for load balancers and Prometheus; no ids, and no money without the admin key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field
from redis.exceptions import RedisError
from starlette.concurrency import run_in_threadpool

from sallyport.console import health, metrics
from sallyport.console.context import ConsoleDep
from sallyport.tracing import rejections

router = APIRouter(tags=["operation"])


class DependencyOut(BaseModel):
    """Its state, and for the recorder what waits."""

    model_config = ConfigDict(extra="allow")
    status: Literal["ok", "down"]


class Health(BaseModel):
    status: Literal["ok", "down"]
    dependencies: dict[str, DependencyOut] = Field(
        examples=[
            {
                "database": {"status": "ok"},
                "redis": {"status": "ok"},
                "recorder": {"status": "ok", "waiting": 0, "lag_seconds": 0.0},
                "workers": {"status": "ok"},
            }
        ]
    )


@router.get("/healthz", response_model=Health, responses={503: {"model": Health, "description": "A dependency is down"}})
async def healthz(console: ConsoleDep, response: Response) -> dict[str, Any]:
    """200 when everything that the gateway needs answers, 503 when something does not."""
    found = await health.check(console)
    well = all(dependency.ok for dependency in found.values())
    response.status_code = 200 if well else 503
    return {"status": _word(well), "dependencies": {name: {"status": _word(d.ok), **d.facts} for name, d in found.items()}}


class Readiness(BaseModel):
    status: Literal["ok", "down"]


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness, "description": "No worker accepts calls"}})
async def readyz(console: ConsoleDep, response: Response) -> dict[str, str]:
    """200 as long as this machine's workers accept calls, for load balancers.

    Unlike `/healthz` it does not fail with the database or Redis: all gateways share those, and each goes on with what it knows.
    """
    ready = (await health.check_workers(console)).ok
    response.status_code = 200 if ready else 503
    return {"status": _word(ready)}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def get_metrics(
    console: ConsoleDep,
    x_api_key: Annotated[
        str | None, Header(description="With the key of an organization admin or auditor spend is shown.")
    ] = None,
    authorization: Annotated[str | None, Header(description="`Bearer <admin key>` does the same.")] = None,
) -> Response:
    """Prometheus text format."""
    key = x_api_key or (authorization or "").removeprefix("Bearer ")
    admin = await run_in_threadpool(console.admins.authenticate, key) if key else None
    try:
        rejected = await rejections.totals(console.redis)
    except (RedisError, OSError):
        rejected = {}  # `up` says why
    money = admin is not None and "organization:read" in admin.permissions()
    status, dependencies = console.recorder.status, await health.check(console)
    text = metrics.render(status, console.counters, console.relays, rejected, dependencies, money=money)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _word(ok: bool) -> str:
    return "ok" if ok else "down"
