"""How the pieces of a stream are put together."""

from __future__ import annotations

from typing import Any, cast

from sallyport.providers.base import JsonObject
from sallyport.providers.wire.reading import count, decode


def merge(into: JsonObject, delta: JsonObject, grows: frozenset[str]) -> None:
    """Strings under `grows` are appended, objects are merged, entries of lists by their `index`; all else is replaced."""
    for key, value in delta.items():
        there = into.get(key)
        if isinstance(value, str) and isinstance(there, str) and key in grows:
            into[key] = there + value
        elif isinstance(value, dict) and isinstance(there, dict):
            merge(cast(JsonObject, there), cast(JsonObject, value), grows)
        elif isinstance(value, list):
            merged: list[Any] = cast(list[Any], there) if isinstance(there, list) else []
            into[key] = merged
            _merge_entries(merged, cast(list[Any], value), grows)
        elif value is not None or key not in into:
            into[key] = value


def _merge_entries(into: list[Any], entries: list[Any], grows: frozenset[str]) -> None:
    for entry in entries:
        known = next((one for one in into if _index(one) == _index(entry) is not None), None)
        if known is None:
            into.append({})
            if isinstance(entry, dict):
                merge(into[-1], cast(JsonObject, entry), grows)
            else:
                into[-1] = entry
        else:
            merge(known, entry, grows)


def _index(entry: Any) -> int | None:
    return count(cast(JsonObject, entry), "index") if isinstance(entry, dict) and "index" in entry else None


def numbered(blocks: dict[int, JsonObject]) -> list[JsonObject]:
    return [blocks[number] for number in sorted(blocks)]


def arguments(written: str) -> Any:
    """A tool's arguments as they were written: an object where they are whole, else the text."""
    read = decode(written.encode("utf-8", "replace"))
    return written if read is None else read
