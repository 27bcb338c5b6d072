"""The console as one ASGI application."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from sallyport.console import errors, openapi
from sallyport.console.api import (
    admin_keys,
    audit,
    calls,
    enrollments,
    health,
    keys,
    policies,
    redactions,
    secrets,
    spend,
    users,
    violations,
    webhooks,
    workspaces,
)
from sallyport.console.context import Console
from sallyport.console.guard import Guard
from sallyport.console.pages import alerts, children, forms, login, redaction, triage, views
from sallyport.console.pages import spend as spend_page
from sallyport.version import VERSION

_HERE = Path(__file__).parent
_API = (
    admin_keys,
    policies,
    workspaces,
    users,
    keys,
    enrollments,
    secrets,
    spend,
    calls,
    violations,
    redactions,
    webhooks,
    audit,
    health,
)
_PAGES = (login, views, children, spend_page, forms, triage, redaction, alerts)


def create_app(console: Console) -> ASGIApp:
    """The admin API and the pages."""
    return attach(routes(), console)


def attach(app: FastAPI, console: Console) -> ASGIApp:
    """What `routes` made, on this console."""
    app.state.console = console
    return Guard(app, console.settings)


def routes() -> FastAPI:
    """The admin API and the pages, on no console yet."""
    app = FastAPI(
        title="Sallyport",
        version=VERSION,
        summary="The admin API of a self-hosted LLM gateway",
        description="Every request needs an admin key in `X-API-Key`. Money is in decimal strings of US dollars, "
        'times are RFC 3339 in UTC. A list is `{"items": […], "next_cursor": …}`, continued by `?cursor=`. '
        "An error is a problem detail (RFC 9457). A key's role says what it may do, and in which workspaces; what lies outside "
        "of them is not found.",
        docs_url=None,  # both load their scripts from foreign hosts
        redoc_url=None,
    )
    errors.install(app)
    for resource in _API:
        app.include_router(resource.router)
    for page in _PAGES:
        app.include_router(page.router, include_in_schema=False)
    openapi.install(app)
    app.mount("/static", StaticFiles(directory=_HERE / "static"))
    return app
