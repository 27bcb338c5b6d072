"""Back-pressure where one side speaks HTTP/2 and the other HTTP/1: what the one has no room for is not read from the other.

The socket's own back-pressure does not help there: mitmproxy buffers what a stream's flow control holds back. Where both speak
HTTP/2, `http2_pacing` holds back a stream; where none does, the sockets do.
"""

from __future__ import annotations

import asyncio
import weakref

from mitmproxy.connection import Connection

from sallyport.proxy.http2_pacing import paced

_MOST_FRAMES = 512
"""Frames held for one stream; a frame is 16 KiB at most, unless the peer asks for more."""
_LOOK_SECONDS = 0.02

_ties: weakref.WeakKeyDictionary[Connection, tuple[weakref.ref[Connection], int]] = weakref.WeakKeyDictionary()


def tie(source: Connection, target: Connection, stream_id: int) -> None:
    """What comes from `source` from now on is for this stream of `target`'s. HTTP/1 has one at a time."""
    _ties[source] = weakref.ref(target), stream_id


async def room(source: Connection) -> None:
    """Wait until what comes from `source` can be passed on."""
    while source in _ties and not paced(source) and _behind(*_ties[source]):  # noqa: ASYNC110 - what it waits for lies in the HTTP/2 library
        await asyncio.sleep(_LOOK_SECONDS)


def _behind(tied: weakref.ref[Connection], stream_id: int) -> bool:
    target = tied()
    layer = paced(target) if target and target.connected else None
    return layer is not None and layer.held(stream_id) > _MOST_FRAMES
