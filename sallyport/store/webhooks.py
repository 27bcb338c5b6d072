"""Operations on webhooks: where budget alerts go. URL and secret are encrypted, and never shown again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import orjson
from sqlalchemy import delete, select

from sallyport.ids import new_id
from sallyport.secret import Secret
from sallyport.store import checks
from sallyport.store.alert_tables import DeliveryRow, WebhookRow
from sallyport.store.base import Operations
from sallyport.store.errors import Invalid, StoreError
from sallyport.store.models import Actor, NewWebhook, Webhook, WebhookTarget
from sallyport.store.tables import OrganizationRow
from sallyport.store.tenants import DEFAULT
from sallyport.vault.errors import VaultError

KINDS = ("generic", "slack")
_SEALED = "webhook"
_SHORTEST_SECRET, _LONGEST = 16, 4096


class WebhookOperations(Operations):
    def create_webhook(self, actor: Actor, fields: Mapping[str, Any], organization_id: str = DEFAULT) -> NewWebhook:
        """`fields`: name, url, optionally kind (generic, slack) and secret, which signs what is sent; else one is made.

        Raises Invalid, Conflict (the name), NotFound (organization).
        """
        with self._changing(actor, "webhook.create", "webhook", in_snapshot=False) as change:
            checks.known_fields(fields, "name", "url", "kind", "secret")
            change.get(OrganizationRow, organization_id, "organization")
            url, secret = _url(fields.get("url")), _secret(fields.get("secret"))
            change.resource_id = id = new_id()
            wrapped = self.vault.new_data_key(id)
            content = orjson.dumps({"url": url.reveal(), "secret": secret.reveal()}).decode()
            now = time.time()
            row = WebhookRow(
                id=id,
                organization_id=organization_id,
                name=checks.text("name", fields.get("name")),
                kind=checks.choice("kind", fields.get("kind", "generic"), *KINDS),
                host=urlsplit(url.reveal()).hostname or "",
                data_key=wrapped,
                sealed=self.vault.data_key(id, wrapped).encrypt(_SEALED, Secret(content)),
                created_at=now,
            )
            change.session.add(row)
            change.after = webhook = _webhook(row)
        return NewWebhook(webhook, None if fields.get("secret") else secret)

    def list_webhooks(self) -> list[Webhook]:
        """By name."""
        with self._reading() as session:
            return [_webhook(row) for row in session.scalars(select(WebhookRow).order_by(WebhookRow.name, WebhookRow.id))]

    def delete_webhook(self, actor: Actor, id: str) -> None:
        """What was still to be delivered to it is dropped. Raises NotFound."""
        with self._changing(actor, "webhook.delete", "webhook", id, in_snapshot=False) as change:
            row = change.get(WebhookRow, id, "webhook")
            change.was(_webhook(row))
            change.session.execute(delete(DeliveryRow).where(DeliveryRow.webhook_id == id))
            change.session.delete(row)

    def webhook_target(self, id: str) -> WebhookTarget:
        """For delivery only. Raises NotFound, StoreError."""
        with self._reading() as session:
            row = self._found(session, WebhookRow, id, "webhook")
            try:
                content = orjson.loads(self.vault.data_key(id, row.data_key).decrypt(_SEALED, row.sealed).reveal())
            except VaultError as error:
                raise StoreError(f"webhook {row.name}: {error}") from None
            return WebhookTarget(cast(Literal["generic", "slack"], row.kind), Secret(content["url"]), Secret(content["secret"]))


def _url(value: object) -> Secret:
    """Slack's URLs are credentials: no message repeats one."""
    if not isinstance(value, str) or len(value) > _LONGEST or not value.isascii() or not value.isprintable():
        raise Invalid("url must be a URL such as https://hooks.example.com/budget")
    try:
        parts = urlsplit(value.strip())
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        sound = False
    if not sound or " " in value.strip():
        raise Invalid("url must be a URL such as https://hooks.example.com/budget, without credentials before the host")
    return Secret(value.strip())


def _secret(value: object) -> Secret:
    if value is None:
        return Secret(f"whsec_{secrets.token_urlsafe(32)}")
    if not isinstance(value, str) or not _SHORTEST_SECRET <= len(value) <= _LONGEST or not value.isprintable():
        raise Invalid(f"secret must have at least {_SHORTEST_SECRET} characters, all printable")
    return Secret(value)


def _webhook(row: WebhookRow) -> Webhook:
    return Webhook(row.id, row.organization_id, row.name, cast(Literal["generic", "slack"], row.kind), row.host, row.created_at)
