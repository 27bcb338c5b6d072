"""Connections that may be silent as long as they like: an open WebSocket on which nobody is owed an answer."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from mitmproxy.connection import Connection

_allowed: weakref.WeakKeyDictionary[Connection, Callable[[], bool]] = weakref.WeakKeyDictionary()


def allow(connection: Connection, when: Callable[[], bool]) -> None:
    """From now on its silence ends nothing while `when()`."""
    _allowed[connection] = when


def allowed(connection: Connection) -> bool:
    when = _allowed.get(connection)
    return when is not None and when()
