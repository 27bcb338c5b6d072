"""`/v1/webhooks` and `/v1/alerts`: who is told when spend nears a cap, and what was told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Literal

from anyio import from_thread
from fastapi import APIRouter
from pydantic import Field, SecretStr

from sallyport.alerts.delivery import send
from sallyport.alerts.message import TEST, alert_json
from sallyport.alerts.post import DeliveryError
from sallyport.alerts.raised import deliveries_of, list_alerts
from sallyport.console.api.route import ApiRoute
from sallyport.console.api.types import Answer, Body, Cursor, Id, Limit, ListOf, Time
from sallyport.console.auth import Admin, OrganizationManager, OrganizationReader, Reader
from sallyport.console.context import Console, ConsoleDep
from sallyport.console.errors import responses
from sallyport.store.errors import Invalid
from sallyport.store.models import NewWebhook

router = APIRouter(prefix="/v1", tags=["alerts"], responses=responses(400, 401, 403, 503), route_class=ApiRoute)

Kind = Literal["generic", "slack"]


class WebhookOut(Answer):
    id: str
    organization_id: str = Field(examples=["default"])
    name: str = Field(examples=["finance"])
    kind: Kind
    host: str = Field(description="Of its URL; the rest may be a credential and is never shown.", examples=["hooks.slack.com"])
    created_at: Time


class NewWebhookOut(WebhookOut):
    secret: str | None = Field(description="What signs each message, where it was made here. Shown now and never again.")


class WebhookIn(Body):
    name: str = Field(examples=["finance"])
    url: SecretStr = Field(examples=["https://hooks.example.com/budget"])
    kind: Kind = "generic"
    secret: SecretStr | None = Field(None, description="What signs each message; one is made where none is given.")
    organization_id: str = "default"


class TestOut(Answer):
    delivered: bool
    error: str | None = Field(examples=["hooks.example.com answered 404"])


class DeliveryOut(Answer):
    webhook: str = Field(examples=["finance"])
    state: Literal["waiting", "delivered", "failed"]
    attempts: int = Field(examples=[1])
    error: str | None


class PolicyNamed(Answer):
    id: str
    name: str = Field(examples=["Team budget"])


class AlertOut(Answer):
    id: str
    type: str = Field(examples=["spend.threshold"])
    at: Time
    organization_id: str
    policy: PolicyNamed
    subject: dict[str, str | list[str]] = Field(examples=[{"user_id": "ada"}])
    window: str = Field(examples=["daily"])
    window_start: Time
    window_end: Time
    threshold_percent: int = Field(examples=[80])
    spend_usd: str = Field(examples=["20.1"])
    limit_usd: str = Field(examples=["25"])
    deliveries: list[DeliveryOut]


@router.post("/webhooks", status_code=201, response_model=NewWebhookOut)
def create_webhook(console: ConsoleDep, admin: OrganizationManager, body: WebhookIn) -> dict[str, Any]:
    """A new webhook: budget alerts are sent to it from now on."""
    fields: dict[str, Any] = {"name": body.name, "url": body.url.get_secret_value(), "kind": body.kind}
    if body.secret is not None:
        fields["secret"] = body.secret.get_secret_value()
    new = create(console, admin, fields, body.organization_id)
    return {**asdict(new.record), "secret": new.secret.reveal() if new.secret else None}


@router.get("/webhooks", response_model=ListOf[WebhookOut])
def list_webhooks(admin: OrganizationReader) -> dict[str, Any]:
    """Webhooks, by name."""
    return {"items": admin.store.list_webhooks()}


@router.delete("/webhooks/{id}", status_code=204, responses=responses(404))
def delete_webhook(admin: OrganizationManager, id: Id) -> None:
    """Deletes the webhook, and what was still to be sent to it."""
    admin.store.delete_webhook(admin, id)


@router.post("/webhooks/{id}/test", response_model=TestOut, responses=responses(404))
def try_webhook(console: ConsoleDep, admin: OrganizationManager, id: Id) -> dict[str, Any]:
    """Sends a test message now, once."""
    error = send_test(console, admin, id)
    return {"delivered": error is None, "error": error}


@router.get("/alerts", response_model=ListOf[AlertOut])
def get_alerts(admin: Reader, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """Thresholds that were reached, newest first, and whether word of them arrived.

    Where several were reached at once, of the highest alone.
    """
    page = list_alerts(admin.store.engine, limit, cursor, admin.scope)
    sent = deliveries_of(admin.store.engine, [alert.id for alert in page.items])
    items = [alert_json(alert) | {"deliveries": sent.get(alert.id, [])} for alert in page.items]
    return {"items": items, "next_cursor": page.next_cursor}


def create(console: Console, admin: Admin, fields: Mapping[str, Any], organization_id: str = "default") -> NewWebhook:
    """Stores a webhook that leads nowhere it must not. Called in a worker thread. Raises Refused."""
    try:
        from_thread.run(console.poster.check, fields["url"])
    except DeliveryError as error:
        raise Invalid(f"url: {error}") from None
    return admin.store.create_webhook(admin, fields, organization_id)


def send_test(console: Console, admin: Admin, id: str) -> str | None:
    """Why it did not arrive; None: it did. Called in a worker thread. Raises NotFound."""
    target = admin.store.webhook_target(id)
    try:
        from_thread.run(send, console.poster, target, TEST)
    except DeliveryError as error:
        return str(error)
    return None
