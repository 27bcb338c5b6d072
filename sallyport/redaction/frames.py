"""What passes between a worker and a NER process: JSON objects, each after its length in four bytes, big-endian."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import orjson

from sallyport.redaction.finding import Finding

STREAM_LIMIT = 1024 * 1024
"""Bytes that a reader takes in before it makes the writer wait."""
_LONGEST = 512 * 1024 * 1024


class FrameError(Exception):
    """The peer sent what is no frame of ours."""


def encode(message: dict[str, Any]) -> bytes:
    data = orjson.dumps(message, default=list)  # a Finding is a tuple of its own kind
    return len(data).to_bytes(4) + data


async def read(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next message. Raises asyncio.IncompleteReadError at the end, FrameError on nonsense."""
    length = int.from_bytes(await reader.readexactly(4))
    if length > _LONGEST:
        raise FrameError("a frame is too long")
    try:
        message = orjson.loads(await reader.readexactly(length))
    except orjson.JSONDecodeError as error:
        raise FrameError("a frame is not JSON") from error
    if not isinstance(message, dict):
        raise FrameError("a frame is no object")
    return cast("dict[str, Any]", message)


def sendable(text: str) -> str:
    """`text`, of the same length, without the lone surrogates that UTF-8 can't hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def findings(rows: list[list[list[Any]]]) -> list[list[Finding]]:
    """Findings as they come out of JSON."""
    return [[Finding(*row) for row in text] for text in rows]
