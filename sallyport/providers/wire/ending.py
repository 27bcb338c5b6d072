"""What the endings of all formats share: how a stream that the gateway stops is ended, so that no client asks again.

Text is ended by text: the message follows what was said. What stands half-written and is no text (a tool's arguments, signed
thoughts) must not look whole, so such a stream ends by the format's own error event, with the same message.
"""

from __future__ import annotations

from typing import Any

import orjson

ID = "gateway"
"""Stands in ids that the provider would have made."""


def continued(message: str, said: bool) -> str:
    """`message` as it follows text that stands before it."""
    return f"\n\n{message}" if said else message


def sse(data: Any, name: str | None = None) -> bytes:
    """One server-sent event with `data` as JSON."""
    head = f"event: {name}\n".encode() if name else b""
    return b"".join((head, b"data: ", orjson.dumps(data), b"\n\n"))
