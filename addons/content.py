"""Request bodies, decompressed with a bound: a small compressed body must not become a huge one."""

from __future__ import annotations

from typing import Any, cast

import orjson
from mitmproxy import http

from addons.decoding import CODINGS, Decoding
from addons.plain_json import reads_alike
from sallyport.providers.base import JsonObject


class ContentError(Exception):
    """The body can't be read; `status` is what to answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def decompress(data: bytes, coding: str, limit: int) -> bytes:
    """Undo a coding of `coding_of`. Raises ContentError: 413 or 415."""
    if not coding:
        return data
    if coding not in CODINGS:
        raise ContentError(415, f"content-encoding {coding!r} is not supported; use gzip, deflate, br, zstd or none")
    decoding = Decoding(coding, limit)
    result = b"".join(decoding.feed(data))
    if decoding.swollen:
        raise ContentError(413, f"the request body is larger than {limit} bytes")
    if not decoding.complete:
        raise ContentError(415, f"the request body is not valid {coding} data, or not all of it")
    return result


def coding_of(request: http.Request) -> str:
    """The request's `Content-Encoding` in lower case; "" for none."""
    coding = request.headers.get("content-encoding", "").strip().lower()
    return "" if coding == "identity" else coding


def read_object(data: bytes) -> tuple[JsonObject, bytes]:
    """The JSON object in `data`, and the bytes to send: `data`, unless a key stands twice, of which some parsers take the first.

    Raises ContentError (400).
    """
    try:
        document: Any = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ContentError(400, f"the request body is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise ContentError(400, "the request body is not a JSON object")
    try:
        written = orjson.dumps(document)
    except orjson.JSONEncodeError:
        raise ContentError(400, "the request body is nested too deeply") from None
    return cast(JsonObject, document), data if reads_alike(data, document) else written


def replace_body(request: http.Request, content: bytes) -> None:
    """Send `content`, as it is, instead of the body that came. What it is coded in stays for `recode` to see to."""
    request.headers.pop("transfer-encoding", None)
    request.raw_content = content
    request.headers["content-length"] = str(len(content))
