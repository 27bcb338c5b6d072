"""Alerts in SQL: each raised once for a policy, subject, window and threshold, and its deliveries, which outlive a restart.

Everything here blocks on SQL: call it in a thread, never on an event loop.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.orm import Session

from sallyport.ids import new_id
from sallyport.store.alert_tables import AlertRow, DeliveryRow, WebhookRow
from sallyport.store.database import insert_into, reading, writing
from sallyport.store.models import Page
from sallyport.store.paging import page
from sallyport.store.roles import EVERYTHING, Scope
from sallyport.store.tables import PolicyRow

PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0)
"""Seconds before each further attempt; after the last a delivery has failed for good."""
_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Crossing:
    """A subject's spend in a window has reached thresholds of its cap. Money in nano-dollars, times UTC seconds."""

    organization_id: str
    policy_id: str
    policy_name: str
    subject: str
    """As the counters name it: `user_id=ada`."""
    window: str
    window_start: float
    limit_nano: int
    percents: tuple[int, ...]
    spend_nano: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery whose time has come."""

    alert: AlertRow
    webhook_id: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Sent:
    """How a delivery stands: waiting, delivered or failed. `webhook`: its name."""

    webhook: str
    state: str
    attempts: int
    error: str | None


def raise_alerts(engine: Engine, crossing: Crossing) -> int | None:
    """Note each threshold that was not noted before, and send word of the highest to every webhook; the answer is that.

    None: all were known. A cap whose limit was changed is told of anew.
    """
    common = {
        "at": time.time(),
        "organization_id": crossing.organization_id,
        "policy_id": crossing.policy_id,
        "policy_name": crossing.policy_name,
        "subject": crossing.subject,
        "window": crossing.window,
        "window_start": crossing.window_start,
        "limit_nano": crossing.limit_nano,
        "spend_nano": crossing.spend_nano,
    }
    rows = [{"id": new_id(), "percent": percent, **common} for percent in crossing.percents]
    with writing(engine) as connection:
        upsert = insert_into(connection, AlertRow)
        new = upsert.on_conflict_do_nothing().returning(AlertRow.percent, AlertRow.id)
        found = sorted((row.percent, row.id) for row in connection.execute(new, rows))
        if not found:
            return None
        percent, alert_id = found[-1]
        _enqueue(connection, alert_id, crossing.organization_id)
    return percent


def _enqueue(connection: Connection, alert_id: str, organization_id: str) -> None:
    webhooks = connection.scalars(select(WebhookRow.id).where(WebhookRow.organization_id == organization_id)).all()
    rows = [
        {"alert_id": alert_id, "webhook_id": id, "state": "waiting", "attempts": 0, "next_at": time.time()} for id in webhooks
    ]
    if rows:
        connection.execute(insert(DeliveryRow), rows)


def due(engine: Engine, now: float) -> list[Due]:
    """At most 20 deliveries to try, the longest due first."""
    query = (
        select(AlertRow, DeliveryRow.webhook_id, DeliveryRow.attempts)
        .join(DeliveryRow, DeliveryRow.alert_id == AlertRow.id)
        .where(DeliveryRow.state == "waiting", DeliveryRow.next_at <= now)
        .order_by(DeliveryRow.next_at)
        .limit(_AT_ONCE)
    )
    with reading(engine) as connection, Session(connection) as session:
        return [Due(alert, webhook_id, attempts) for alert, webhook_id, attempts in session.execute(query)]


def settle(engine: Engine, tried: Due, error: str | None, now: float) -> None:
    """A delivery has arrived (`error` None), or failed: it is tried again after a pause, as often as there are pauses."""
    attempts = tried.attempts + 1
    values: dict[str, Any] = {"attempts": attempts, "error": error, "state": "delivered"}
    if error is not None:
        again = attempts <= len(PAUSES)
        values |= {"state": "waiting", "next_at": now + PAUSES[attempts - 1]} if again else {"state": "failed"}
    with writing(engine) as connection:
        connection.execute(
            update(DeliveryRow)
            .where(DeliveryRow.alert_id == tried.alert.id, DeliveryRow.webhook_id == tried.webhook_id)
            .values(**values)
        )


def list_alerts(engine: Engine, limit: int = 100, cursor: str | None = None, scope: Scope = EVERYTHING) -> Page[AlertRow]:
    """Newest first; in a scope those of its policies. Raises Invalid for a bad limit or cursor."""
    query = select(AlertRow)
    if scope.workspaces is not None:
        query = query.where(AlertRow.policy_id.in_(select(PolicyRow.id).where(*scope.where(PolicyRow.workspace_id))))
    with reading(engine) as connection, Session(connection) as session:
        return page(session, query, (AlertRow.at, AlertRow.id), limit, cursor, lambda row: row)


def deliveries_of(engine: Engine, alert_ids: Sequence[str]) -> dict[str, list[Sent]]:
    """By alert."""
    columns = (DeliveryRow.alert_id, WebhookRow.name, DeliveryRow.state, DeliveryRow.attempts, DeliveryRow.error)
    query = select(*columns).join(WebhookRow, WebhookRow.id == DeliveryRow.webhook_id).where(DeliveryRow.alert_id.in_(alert_ids))
    found: dict[str, list[Sent]] = {}
    with reading(engine) as connection:
        for alert_id, webhook, state, attempts, error in connection.execute(query.order_by(WebhookRow.name)):
            found.setdefault(alert_id, []).append(Sent(webhook, state, attempts, error))
    return found
