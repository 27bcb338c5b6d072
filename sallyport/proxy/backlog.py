"""Back-pressure for HTTP/2 clients: what one of their streams has no room for is not read from its provider meanwhile.

The socket's own back-pressure does not help there: mitmproxy buffers what a stream's flow control holds back.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable

from mitmproxy.connection import Connection
from mitmproxy.proxy.layers.http import Http2Server

_MOST_FRAMES = 512
"""Frames held for one stream; a frame is 16 KiB at most, unless the client asks for more."""
_LOOK_SECONDS = 0.02

_behind: weakref.WeakKeyDictionary[Connection, Callable[[], bool]] = weakref.WeakKeyDictionary()


def tie(provider: Connection, client: Http2Server, stream_id: int) -> None:
    """What comes from `provider` is for this stream alone."""
    buffers = client.h2_conn.stream_buffers
    _behind[provider] = lambda: len(buffers.get(stream_id, ())) > _MOST_FRAMES


async def room(provider: Connection) -> None:
    """Wait until what comes from `provider` can be passed on."""
    behind = _behind.get(provider)
    while behind is not None and behind():  # noqa: ASYNC110 - the condition lies in the HTTP/2 library
        await asyncio.sleep(_LOOK_SECONDS)
