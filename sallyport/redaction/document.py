"""Redacts a parsed JSON document in place: every string that a model would read, whatever the provider calls its field."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, cast

from sallyport.redaction.pace import Pace
from sallyport.redaction.redactor import Redactor
from sallyport.redaction.strings import Json, Text, plan

TOOL_DATA = frozenset({"input", "args", "arguments", "response", "json"})
"""Keys whose value, where it is an object, is a tool's own data: no key in it means what it means outside."""

Container = dict[str, Any] | list[Any]
Slot = tuple[Container, Any]
"""Where a string stands: `container[index or key]`."""

_NOTHING: AbstractSet[str] = frozenset()


@dataclass(slots=True)
class DocumentResult:
    """`changed`: something was replaced. `timed_out`, `failed`: as in `Redaction`."""

    changed: bool = False
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Category → values replaced."""
    timed_out: bool = False
    failed: bool = False


async def redact_document(
    document: Any,
    redactor: Redactor,
    *,
    key: bytes,
    protected: AbstractSet[str],
    pii: bool,
    secrets: bool,
    deadline: float,
) -> DocumentResult:
    """Redact all strings of `document` (a dict or list) in place, save the values under `protected` object keys.

    Strings that are JSON objects or arrays themselves (tool arguments) are redacted inside, their other bytes kept. In a tool's
    own data (`TOOL_DATA`) nothing is protected.
    """
    pace = Pace()
    slots: list[tuple[Slot, Text | Json]] = []
    texts: list[str] = []
    for container, place in _strings(document, protected):
        string = plan(container[place], _name(container, place))
        slots.append(((container, place), string))
        texts.extend(string.texts())
        await pace.breathe()
    redaction = await redactor.redact(texts, key=key, pii=pii, secrets=secrets, deadline=deadline)
    result = DocumentResult(False, redaction.counts, redaction.timed_out, redaction.failed)
    if not redaction.counts:
        return result
    redacted = iter(redaction.texts)
    for (container, place), string in slots:
        value = string.rebuild(redacted)
        if value != container[place]:
            container[place] = value
            result.changed = True
        await pace.breathe()
    return result


def _name(container: Container, place: Any) -> str | None:
    """The name of the field a string stands in; `{"name": N, "value": V}` is a field, too."""
    if isinstance(container, list):
        return None
    name = container.get("name") if place == "value" else place
    return name if isinstance(name, str) else None


def _strings(document: Any, protected: AbstractSet[str]) -> Iterator[Slot]:
    """Every string slot, in reading order, at any depth."""
    stack: list[Iterator[tuple[Container, Any, Any, AbstractSet[str]]]] = [_entries(document, protected)]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            continue
        container, place, value, inner = entry
        if isinstance(value, str):
            yield container, place
        elif isinstance(value, dict | list):
            stack.append(_entries(value, inner))


def _entries(value: Any, protected: AbstractSet[str]) -> Iterator[tuple[Container, Any, Any, AbstractSet[str]]]:
    """What stands directly in `value`, with what is protected within it."""
    if isinstance(value, list):
        items = cast("list[Any]", value)
        for index, item in enumerate(items):
            yield items, index, item, protected
    elif isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        for name, item in fields.items():
            if name not in protected:
                yield fields, name, item, _NOTHING if name in TOOL_DATA and isinstance(item, dict) else protected
