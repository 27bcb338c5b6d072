"""Puts values back into a whole JSON document of an answer."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any, cast

from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.wire.thoughts import is_thought
from sallyport.redaction.placeholders import OPENING
from sallyport.redaction.restore import Rewriter


def put_back(document: JsonObject, restorer: Rewriter, wire: WireFormat, but: AbstractSet[tuple[int, str]]) -> bool:
    """Restore every string of `document`, keys too, save thoughts, errors, and the places `but`. True when something changed.

    A place is the `id` of an object, and a key of it.
    """
    changed = False
    waiting: list[tuple[JsonObject | list[Any], bool]] = [(document, False)]
    while waiting:
        node, of_tool = waiting.pop()  # a tool's own data has fields of any name
        entries = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
        for place, value in entries:
            field = place if isinstance(place, str) and not of_tool else ""
            if field and isinstance(node, dict) and (field == "error" or is_thought(field, node)):
                continue
            if field and isinstance(node, dict) and restorer.searches and wire.protects(field, node):
                continue
            if isinstance(value, dict | list):
                waiting.append((cast("JsonObject | list[Any]", value), of_tool or field in wire.user_data_keys))
            elif isinstance(value, str) and (id(node), place) not in but:
                restored = restorer.whole(value, escaped=field in wire.user_data_keys)
                if restored != value:
                    node[place] = restored  # pyright: ignore[reportArgumentType, reportCallIssue] - it is where it was read
                    changed = True
        if isinstance(node, dict) and any(OPENING in name for name in node):
            changed = _rename(node, restorer) or changed
    return changed


def _rename(node: JsonObject, restorer: Rewriter) -> bool:
    entries = [(restorer.whole(name), value) for name, value in node.items()]
    changed = [name for name, _ in entries] != list(node)
    node.clear()
    node.update(entries)
    return changed
