"""Writes a changed JSON body into the bytes it came as: what no policy changed stays as it was, byte for byte.

Prompt caches compare prefixes, and vendors read more out of a body than its JSON (Claude Code's first system block must stay
as it is).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

import orjson

from sallyport.providers.base import JsonObject

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_OPTIONS = "stream_options"
_OPTIONS_AT = re.compile(rb'"stream_options"[ \t\r\n]*+:[ \t\r\n]*+(null|\{[^{}"]*+(?:"[^"\\{}]*+"[^{}"]*+)*+\})')


def spliced(data: bytes, body: JsonObject) -> bytes:
    """`body` as JSON. `data` is what it was before strings in it were changed, and `stream_options` added or changed.

    `data` must hold each key once. Where it can't be followed, all of it is written anew.
    """
    candidate = _with_options(data, body)
    read: JsonObject = orjson.loads(candidate)
    if read == body:
        return candidate
    replaced = _strings_replaced(candidate, read, body)
    return replaced if replaced and orjson.loads(replaced) == body else orjson.dumps(body)


def _with_options(data: bytes, body: JsonObject) -> bytes:
    original: JsonObject = orjson.loads(data)
    wanted = body.get(_OPTIONS)
    if original.get(_OPTIONS) == wanted:
        return data
    if _OPTIONS not in original:
        end = data.rindex(b"}")
        return b"".join((data[:end], b"," if original else b"", orjson.dumps({_OPTIONS: wanted})[1:-1], data[end:]))
    found = _OPTIONS_AT.search(data)
    return data if found is None else b"".join((data[: found.start(1)], orjson.dumps(wanted), data[found.end(1) :]))


def _strings_replaced(data: bytes, document: JsonObject, body: JsonObject) -> bytes | None:
    """`document` is what `data` says: its n-th string, keys included, is the n-th that is written."""
    olds, news = list(_strings(document)), list(_strings(body))
    if len(olds) != len(news):
        return None
    parts: list[bytes] = []
    reached = 0
    for old, new, token in zip(olds, news, _STRING.finditer(data), strict=True):
        if old != new:
            parts += (data[reached : token.start()], json.dumps(new, ensure_ascii=b"\\u" in token[0]).encode())
            reached = token.end()
    return b"".join((*parts, data[reached:]))


def _strings(document: Any) -> Iterator[str]:
    """Keys and values, in the order in which they are written."""
    stack: list[Iterator[Any]] = [iter((document,))]
    while stack:
        value = next(stack[-1], stack)
        if value is stack:
            stack.pop()
        elif isinstance(value, str):
            yield value
        elif isinstance(value, list):
            stack.append(iter(cast("list[Any]", value)))
        elif isinstance(value, dict):
            stack.append(part for entry in cast(JsonObject, value).items() for part in entry)
