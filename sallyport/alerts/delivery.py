"""Delivers alerts to webhooks, each until it arrives or all attempts are used up. One process does it: the console."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from sallyport.alerts.message import SIGNATURE, Kind, alert_json, body, signature
from sallyport.alerts.post import DeliveryError, Poster
from sallyport.alerts.raised import Due, due, settle
from sallyport.store.errors import NotFound, StoreError
from sallyport.store.models import WebhookTarget
from sallyport.store.operations import Store

log = logging.getLogger(__name__)

_PERIOD_SECONDS = 1.0


class Delivery:
    def __init__(self, store: Store, poster: Poster) -> None:
        self._store = store
        self._poster = poster
        self._failing = False

    async def run(self) -> None:
        """Until cancelled. No failure of SQL or of a receiver ends it."""
        while True:
            try:
                await self.once(time.time())
                self._failing = False
            except StoreError as error:
                if not self._failing:
                    log.warning("budget alerts can't be delivered at present: %s", error)
                self._failing = True
            await asyncio.sleep(_PERIOD_SECONDS)

    async def once(self, now: float) -> None:
        """Try all that is due at `now` (UTC seconds). Raises StoreError."""
        found = await asyncio.to_thread(due, self._store.engine, now)
        await asyncio.gather(*(self._try(entry, now) for entry in found))

    async def _try(self, entry: Due, now: float) -> None:
        error: str | None = None
        try:
            target = await asyncio.to_thread(self._store.webhook_target, entry.webhook_id)
            await send(self._poster, target, alert_json(entry.alert))
        except NotFound:
            return  # deleted since, and its deliveries with it
        except DeliveryError as failure:
            error = str(failure)
            log.warning("a budget alert was not delivered: %s", error, extra={"webhook": entry.webhook_id})
        await asyncio.to_thread(settle, self._store.engine, entry, error, now)


async def send(poster: Poster, target: WebhookTarget, content: dict[str, Any]) -> None:
    """`content`: of `alert_json`, or TEST. Raises DeliveryError."""
    kind: Kind = target.kind
    sent = body(kind, content)
    headers = {SIGNATURE: signature(target.secret, sent, time.time()), "X-Sallyport-Event": str(content["type"])}
    await poster.post(target.url.reveal(), sent, headers)
