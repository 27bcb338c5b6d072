"""The caller's run, as its `langsmith-trace` and `baggage` headers name it.

Both are written by the caller: whatever does not parse is no parent, and nothing of it is logged.
Formats: langsmith-sdk, `run_trees.py` (`RunTree.to_headers`, `_Baggage`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import orjson

Scalar = str | int | float | bool

_STAMP = "%Y%m%dT%H%M%S%fZ"
_SEGMENT = re.compile(r"(\d{8}T\d{12}Z)([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})", re.ASCII)
_MAX_HEADER = 16 * 1024
_MAX_DEPTH = 100
_MAX_PROJECT = 256
_MAX_METADATA = 20
_MAX_VALUE = 256


@dataclass(frozen=True, slots=True)
class Parent:
    """The run that ours becomes a child of."""

    run_id: str
    trace_id: str
    dotted_order: str
    start: datetime
    project: str | None
    """From the baggage; None where it names none."""
    metadata: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    """The caller's own, from the baggage; never a `gateway.` key."""


def parse_parent(headers: Mapping[str, str]) -> Parent | None:
    """The parent these headers (names in lower case) speak of, or None."""
    dotted_order = headers.get("langsmith-trace", "").strip()
    if not dotted_order or len(dotted_order) > _MAX_HEADER:
        return None
    segments = [_SEGMENT.fullmatch(part) for part in dotted_order.split(".", _MAX_DEPTH)]
    first, last = segments[0], segments[-1]
    if first is None or last is None or None in segments:
        return None
    try:
        start = datetime.strptime(last[1], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    baggage = _baggage(headers.get("baggage", ""))
    return Parent(
        run_id=str(UUID(last[2])),
        trace_id=str(UUID(first[2])),
        dotted_order=dotted_order,
        start=start,
        project=_project(baggage.get("langsmith-project", "")),
        metadata=_metadata(baggage.get("langsmith-metadata", "")),
    )


def dotted_segment(start: datetime, run_id: str) -> str:
    """A run's own part of a dotted order; `start` is UTC."""
    return f"{start:{_STAMP}}{run_id}"


def _baggage(header: str) -> dict[str, str]:
    """The decoded entries of a baggage header (W3C Baggage: comma-separated `key=value;properties`)."""
    entries: dict[str, str] = {}
    if len(header) > _MAX_HEADER:
        return entries
    for item in header.split(","):
        key, _, value = item.partition("=")
        entries[key.strip()] = unquote(value.partition(";")[0].strip())
    return entries


def _project(name: str) -> str | None:
    name = name.strip()
    return name if 0 < len(name) <= _MAX_PROJECT and name.isprintable() else None


def _metadata(text: str) -> dict[str, Scalar]:
    try:
        raw: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(raw, dict):
        return {}
    found: dict[str, Scalar] = {}
    for key, value in raw.items():  # pyright: ignore[reportUnknownVariableType] - any JSON
        if isinstance(key, str) and isinstance(value, Scalar) and len(key) <= _MAX_VALUE and not key.startswith("gateway."):
            if isinstance(value, str) and len(value) > _MAX_VALUE:
                continue
            found[key] = value
            if len(found) == _MAX_METADATA:
                break
    return found
