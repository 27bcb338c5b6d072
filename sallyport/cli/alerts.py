"""`alerts` and `webhooks`: which thresholds of spend caps were reached, and who is told."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from typing import Any

import click

from sallyport.alerts.delivery import send
from sallyport.alerts.message import TEST, alert_json
from sallyport.alerts.post import DeliveryError, Poster
from sallyport.alerts.raised import deliveries_of, list_alerts
from sallyport.cli.admin import actor, opened_store
from sallyport.cli.commands import BadInput, Command, Failure, Group, current_settings
from sallyport.cli.output import json_option, limit_option, show_json, show_rows
from sallyport.store.operations import Store
from sallyport.store.webhooks import KINDS

_WEBHOOK_COLUMNS = ("id", "name", "kind", "host", "created_at")
_ALERT_COLUMNS = ("at", "policy", "subject", "threshold_percent", "spend_usd", "limit_usd", "window", "deliveries")


@click.command("alerts", cls=Command)
@limit_option
@json_option
def alerts_command(limit: int, as_json: bool) -> None:
    """Thresholds of spend caps that were reached, newest first, and whether word of them arrived."""
    with opened_store(current_settings()) as store:
        found = list_alerts(store.engine, limit).items
        sent = deliveries_of(store.engine, [alert.id for alert in found])
    rows: list[dict[str, Any]] = []
    for alert in found:
        row = alert_json(alert)
        deliveries = sent.get(alert.id, [])
        if as_json:
            row["deliveries"] = [asdict(delivery) for delivery in deliveries]
        else:
            row |= {"policy": alert.policy_name, "subject": alert.subject}
            row["deliveries"] = ", ".join(f"{delivery.webhook}: {delivery.state}" for delivery in deliveries) or "-"
        rows.append(row)
    show_rows(rows, _ALERT_COLUMNS, as_json=as_json, nothing="no threshold was reached yet")


@click.group("webhooks", cls=Group)
def webhooks_command() -> None:
    """Where budget alerts go: when spend reaches 50, 80 and 100 % of a cap (its `alert_at`)."""


@webhooks_command.command("create")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), default="generic", show_default=True, help="The shape of what is sent.")
@json_option
def create(name: str, kind: str, as_json: bool) -> None:
    """Add a webhook. Its URL is read from standard input, or asked for: it may be a credential, as Slack's are.

    The secret that signs each message is shown this once.
    """
    settings = current_settings()
    url = click.prompt("URL", hide_input=True) if sys.stdin.isatty() else sys.stdin.read().strip()
    if not url:
        raise BadInput(f"standard input is empty; give the URL there, for example `webhooks create {name} < file`")
    try:
        asyncio.run(Poster(settings).check(url))
    except DeliveryError as error:
        raise BadInput(f"url: {error}") from None
    with opened_store(settings) as store:
        new = store.create_webhook(actor(), {"name": name, "url": url, "kind": kind})
    secret = new.secret.reveal() if new.secret else None
    if as_json:
        show_json({**asdict(new.record), "secret": secret})
    else:
        click.echo(secret)
        click.echo(f"webhook {name} is made; its secret, above, is shown this once (test it: `webhooks test {name}`)", err=True)


@webhooks_command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """All webhooks; URLs and secrets are never shown."""
    with opened_store(current_settings()) as store:
        rows = [asdict(webhook) for webhook in store.list_webhooks()]
    show_rows(rows, _WEBHOOK_COLUMNS, as_json=as_json, nothing="no webhooks yet: `webhooks create NAME`")


@webhooks_command.command("test")
@click.argument("webhook", metavar="NAME|ID")
def test(webhook: str) -> None:
    """Send a test message now."""
    settings = current_settings()
    with opened_store(settings) as store:
        target = store.webhook_target(_find(store, webhook))
    try:
        asyncio.run(send(Poster(settings), target, TEST))
    except DeliveryError as error:
        raise Failure(str(error)) from None
    click.echo("delivered")


@webhooks_command.command("delete")
@click.argument("webhook", metavar="NAME|ID")
def delete(webhook: str) -> None:
    """Remove a webhook, and what was still to be sent to it."""
    with opened_store(current_settings()) as store:
        store.delete_webhook(actor(), _find(store, webhook))
    click.echo(f"{webhook} is deleted")


def _find(store: Store, name: str) -> str:
    """Raises BadInput."""
    found = [webhook.id for webhook in store.list_webhooks() if name in (webhook.id, webhook.name)]
    if len(found) != 1:
        raise BadInput(f"there is {'no' if not found else 'more than one'} webhook {name!r}")
    return found[0]
