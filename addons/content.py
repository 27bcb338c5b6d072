"""Request bodies, decompressed with a bound: a small compressed body must not become a huge one."""

from __future__ import annotations

import zlib
from typing import Any, cast

import brotli
import orjson
import zstandard
from mitmproxy import http

from addons.plain_json import reads_alike
from sallyport.providers.base import JsonObject


class ContentError(Exception):
    """The body can't be read; `status` is what to answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def decompress(data: bytes, encoding: str, limit: int) -> bytes:
    """Undo one `Content-Encoding` (gzip, deflate, br, zstd, identity). Raises ContentError: 413 or 415."""
    try:
        match encoding.strip().lower():
            case "" | "identity":
                result = data
            case "gzip" | "x-gzip":
                result = _inflate(data, 16 + zlib.MAX_WBITS, limit)
            case "deflate":
                try:
                    result = _inflate(data, zlib.MAX_WBITS, limit)
                except zlib.error:  # some clients send raw deflate data without the zlib wrapper
                    result = _inflate(data, -zlib.MAX_WBITS, limit)
            case "br":
                decompressor = brotli.Decompressor()
                result = decompressor.process(data, output_buffer_limit=limit + 1)
                if len(result) <= limit and not decompressor.is_finished():
                    raise ContentError(415, "the request body is not complete br data")
            case "zstd":
                with zstandard.ZstdDecompressor().stream_reader(data) as reader:
                    result = reader.read(limit + 1)
            case other:
                raise ContentError(415, f"content-encoding {other!r} is not supported; use gzip, deflate, br, zstd or none")
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise ContentError(415, f"the request body is not valid {encoding} data") from error
    if len(result) > limit:
        raise ContentError(413, f"the request body is larger than {limit} bytes")
    return result


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
    """Send `content`, as it is, instead of the body that came."""
    request.headers.pop("content-encoding", None)
    request.headers.pop("transfer-encoding", None)
    request.raw_content = content
    request.headers["content-length"] = str(len(content))


def _inflate(data: bytes, window_bits: int, limit: int) -> bytes:
    decompressor = zlib.decompressobj(window_bits)
    result = decompressor.decompress(data, limit + 1)
    if len(result) <= limit and not decompressor.eof:
        raise zlib.error("truncated")
    return result
