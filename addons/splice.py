"""Writes a changed JSON body into the bytes it came as: what no policy changed stays as it was, byte for byte.

Prompt caches compare prefixes, and vendors read more out of a body than its JSON (Claude Code's first system block must stay
as it is).
"""

from __future__ import annotations

import json
import re
from typing import Any, cast

import orjson

from sallyport.providers.base import JsonObject

_STRING = re.compile(rb'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_OPTIONS = "stream_options"
_OPTIONS_AT = re.compile(rb'"stream_options"[ \t\r\n]*+:[ \t\r\n]*+(null|\{[^{}"]*+(?:"[^"\\{}]*+"[^{}"]*+)*+\})')


def spliced(data: bytes, body: JsonObject, *, strings: bool) -> bytes:
    """`body` as JSON. `data` is what it was before `stream_options` was added or changed, and, where `strings`, strings in it.

    `data` must hold each key once. What is put together is parsed, once, and compared; where it is not `body`, all of it is
    written anew.
    """
    candidate = _with_options(data, body)
    if strings:
        candidate = _with_strings(candidate, body)
    try:
        same = orjson.loads(candidate) == body
    except orjson.JSONDecodeError:
        same = False
    return candidate if same else orjson.dumps(body)


def _with_options(data: bytes, body: JsonObject) -> bytes:
    wanted = body.get(_OPTIONS)
    found = _OPTIONS_AT.search(data)
    if found:
        return b"".join((data[: found.start(1)], _written(found[1], wanted), data[found.end(1) :]))
    if _OPTIONS not in body:
        return data
    end = data.rindex(b"}")
    return b"".join((data[:end], b"," if len(body) > 1 else b"", orjson.dumps({_OPTIONS: wanted})[1:-1], data[end:]))


def _written(came: bytes, wanted: Any) -> bytes:
    return came if orjson.loads(came) == wanted else orjson.dumps(wanted)


def _with_strings(data: bytes, body: JsonObject) -> bytes:
    """The n-th string in `data`, keys included, is the n-th of `body`: the same, or what it became."""
    strings: list[str] = []
    _collect(body, strings)
    parts: list[bytes] = []
    reached = 0
    for new, token in zip(strings, _STRING.finditer(data), strict=False):
        came = token[1]
        if came != new.encode() and (b"\\" not in came or orjson.loads(token[0]) != new):
            parts += (data[reached : token.start()], json.dumps(new, ensure_ascii=b"\\u" in came).encode())
            reached = token.end()
    return b"".join((*parts, data[reached:]))


def _collect(value: Any, strings: list[str]) -> None:
    """In the order in which they are written. No deeper than what `read_object` lets in."""
    if isinstance(value, str):
        strings.append(value)
    elif isinstance(value, dict):
        for key, item in cast(JsonObject, value).items():
            strings.append(key)
            _collect(item, strings)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            _collect(item, strings)
