"""Tops up what a running stream holds of its budgets, whenever it has used that up; asked by the proxy, piece by piece.

Under a strict cap nothing more is passed on until Redis has answered, and where the cap has no more to give the stream is ended
in form and the provider cut off. Under other caps the stream goes on meanwhile: others then see sooner what it costs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from mitmproxy import http

from addons.charge import price_of, so_far, streamed
from addons.context import Call, call_of
from addons.refusal import Refusal, policy_message
from addons.response_tap import ResponseTap
from addons.services import Services
from addons.spend import spend_refusal
from policies.spend_cap import Cap
from sallyport.spend.gate import StoreUnavailable

logger = logging.getLogger(__name__)

_AHEAD_TOKENS = 4096
"""Output tokens for which a stream asks at once."""


def overdrawn(call: Call) -> bool:
    """Whether the call has used up what it holds, and nobody is asking for more yet."""
    return bool(call.caps) and not call.topping_up and not call.settled and so_far(call) > call.reserved_nano


class TopUp:
    def __init__(self, services: Services) -> None:
        self._spend = services.spend
        self._asking: set[asyncio.Task[None]] = set()

    async def stream_overdrawn(self, flow: http.HTTPFlow) -> None:
        call = call_of(flow)
        if call is None:
            return
        call.topping_up = True
        asking = asyncio.ensure_future(self._ask(flow, call))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        if any(cap.strict for cap in call.caps):
            await asking

    async def _ask(self, flow: http.HTTPFlow, call: Call) -> None:
        usage = streamed(call)
        ahead = replace(usage, output_tokens=usage.output_tokens + _AHEAD_TOKENS)
        spent, wanted = price_of(call, usage).cost_nano, price_of(call, ahead).cost_nano
        try:
            topped = await self._spend.top_up(call.record, caps=call.caps, spent_nano=spent, wanted_nano=wanted)
        except StoreUnavailable as error:
            logger.warning("a running call can't be topped up: %s", error)
            self._stop(flow, call, _unchecked(call.caps))
        else:
            call.reserved_nano = topped.reserved_nano or call.reserved_nano
            self._stop(flow, call, spend_refusal(topped.blocked) if topped.blocked else None)
        finally:
            call.topping_up = False

    def _stop(self, flow: http.HTTPFlow, call: Call, refusal: Refusal | None) -> None:
        tap = flow.response.stream if flow.response else None
        if refusal and isinstance(tap, ResponseTap):
            tap.stop(refusal, streamed(call))


def _unchecked(caps: Sequence[Cap]) -> Refusal | None:
    """A strict cap that can't be asked is taken to be used up, unless it says `allow`."""
    blocking = [cap.policy for cap in caps if cap.strict and cap.on_store_unavailable != "allow"]
    if not blocking:
        return None
    message = policy_message(blocking, "Spend can't be checked at the moment; try again shortly.")
    return Refusal(503, "store_unavailable", message, blocking, "spend_cap")
