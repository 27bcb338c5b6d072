"""Open WebSockets that are told when the gateway stops: a layer asks to be woken then, and closes in form."""

from __future__ import annotations

import math
import weakref

from mitmproxy.connection import Client
from mitmproxy.proxy.commands import RequestWakeup

_waiting: weakref.WeakKeyDictionary[Client, RequestWakeup] = weakref.WeakKeyDictionary()


def wake_at_the_end(client: Client) -> RequestWakeup:
    """The command by which to be woken; by itself it never is."""
    wakeup = _waiting[client] = RequestWakeup(math.inf)
    return wakeup


def wakeup_of(client: Client) -> RequestWakeup | None:
    return _waiting.get(client)


def outstanding() -> bool:
    """Whether a WebSocket is still open."""
    return any(client.connected for client in _waiting)
