"""Tells JSON that all parsers read alike from JSON with a key that stands twice: some take the first value, some the last."""

from __future__ import annotations

import re
from typing import Any, cast

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"[ \t\r\n]*+(:?)', re.DOTALL)


def reads_alike(data: bytes, document: Any) -> bool:
    """Whether every key of `data` stands once in its object. `document` is what `data` was parsed to, and keeps each key once."""
    return sum(1 for match in _STRING.finditer(data) if match[1]) == _keys(document)


def _keys(document: Any) -> int:
    count, stack = 0, [document]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            count += len(fields)
            stack.extend(fields.values())
        elif isinstance(value, list):
            stack.extend(cast("list[Any]", value))
    return count
