"""Redacts a parsed JSON document in place: every string that a model would read, whatever the provider calls its field."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, cast

from sallyport.redaction.encoded import Encoded, encoded_text
from sallyport.redaction.pace import Pace
from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.redactor import Redactor
from sallyport.redaction.strings import Json, Text, plan

Protects = Callable[[str, dict[str, Any]], bool]
"""Whether `parent[key]` must stay as it is."""

Container = dict[str, Any] | list[Any]
Path = tuple[Any, ...]
"""The keys and indexes that lead to a value."""
Slot = tuple[Container, Any]
"""Where a string stands: `container[index or key]`; a `_Key` is itself the string."""

_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z_$.-]{0,39}")
"""A field's name, as opposed to data that something is filed under: an e-mail address, a token."""


class _Key(str):
    """A key of an object that is looked at like any other string."""

    __slots__ = ()


def _nothing(_key: str, _parent: dict[str, Any]) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Place:
    """So many values of a category were replaced in one string; `where` is its JSON pointer (RFC 6901)."""

    where: str
    category: str
    count: int


@dataclass(slots=True)
class DocumentResult:
    """`changed`: something was replaced. `timed_out`, `failed`: as in `Redaction`."""

    changed: bool = False
    counts: dict[str, int] = field(default_factory=dict[str, int])
    """Category → values replaced."""
    places: list[Place] = field(default_factory=list[Place])
    """In reading order."""
    timed_out: bool = False
    failed: bool = False


async def redact_document(
    document: Any,
    redactor: Redactor,
    *,
    names: Placeholders,
    protects: Protects,
    user_data: AbstractSet[str],
    pii: bool,
    secrets: bool,
    deadline: float,
    but: Iterable[Slot] = (),
) -> DocumentResult:
    """Redact all strings of `document` (a dict or list) in place, save what `protects` says must stay and is no text in base64.

    Strings that are JSON objects or arrays themselves (tool arguments) are redacted inside, their other bytes kept. Beneath the
    keys `user_data` (a tool's own arguments and results) nothing is protected, whatever it is called. What stands in `but` is not
    looked at.
    """
    pace = Pace()
    slots: list[tuple[Slot, Text | Json | Encoded, Path, int]] = []
    texts: list[str] = []
    left = {(id(container), place) for container, place in but}
    for container, place, string, path in _strings(document, protects, user_data, left):
        before = len(texts)
        texts.extend(string.texts())
        slots.append(((container, place), string, path, len(texts) - before))
        await pace.breathe()
    redaction = await redactor.redact(texts, names=names, pii=pii, secrets=secrets, deadline=deadline)
    result = DocumentResult(False, redaction.counts, timed_out=redaction.timed_out, failed=redaction.failed)
    if not redaction.counts:
        return result
    redacted, found = iter(redaction.texts), iter(redaction.found)
    renamed: list[tuple[dict[str, Any], str, str]] = []
    for (container, place), string, path, length in slots:
        here = sum(map(Counter[str], islice(found, length)), Counter[str]())
        result.places += [Place(_pointer((*path, place)), category, count) for category, count in here.items()]
        value = string.rebuild(redacted, names)
        if isinstance(place, _Key):
            if value != place and isinstance(container, dict):
                renamed.append((container, place, value))
        elif value != container[place]:
            container[place] = value
            result.changed = True
        await pace.breathe()
    for fields, old, new in renamed:
        _rename(fields, old, new)
        result.changed = True
    return result


def _pointer(path: Path) -> str:
    """A field that was named after a value is no name to show."""
    names = ("*" if isinstance(step, str) and not _PLAIN_KEY.fullmatch(step) else str(step) for step in path)
    return "".join(f"/{name}" for name in names)


def _rename(fields: dict[str, Any], old: str, new: str) -> None:
    """In its place, for the order of keys is part of what a model reads, and of what a prompt cache compares."""
    entries = [(new if name == old else name, value) for name, value in fields.items()]
    fields.clear()
    fields.update(entries)


def _name(container: Container, place: Any) -> str | None:
    """The name of the field a string stands in; `{"name": N, "value": V}` is a field, too."""
    if isinstance(container, list):
        return None
    name = container.get("name") if place == "value" else place
    return name if isinstance(name, str) else None


def _strings(
    document: Any, protects: Protects, user_data: AbstractSet[str], left: AbstractSet[tuple[int, Any]]
) -> Iterator[tuple[Container, Any, Text | Json | Encoded, Path]]:
    """Every string to look at, in reading order, at any depth, and where it stands: in what, and how that is reached."""
    stack: list[tuple[Path, Iterator[tuple[Container, Any, Any, Protects]]]] = [((), _entries(document, protects, user_data))]
    while stack:
        path, entries = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
            continue
        container, place, value, inner = entry
        if left and (id(container), place) in left:
            continue
        if isinstance(value, Encoded):
            yield container, place, value, path
        elif isinstance(value, str):
            name = None if isinstance(place, _Key) else _name(container, place)
            yield container, place, plan(value, name, structured=place in user_data), path
        elif isinstance(value, dict | list):
            stack.append(((*path, place), _entries(value, inner, user_data)))


def _entries(value: Any, protects: Protects, user_data: AbstractSet[str]) -> Iterator[tuple[Container, Any, Any, Protects]]:
    """What stands directly in `value`, with what is protected within it."""
    if isinstance(value, list):
        items = cast("list[Any]", value)
        for index, item in enumerate(items):
            yield items, index, item, protects
    elif isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        for name, item in fields.items():
            if not _PLAIN_KEY.fullmatch(name):
                yield fields, _Key(name), name, protects
            if not protects(name, fields):
                yield fields, name, item, _nothing if name in user_data else protects
            elif isinstance(item, str) and (encoded := encoded_text(item)) is not None:
                yield fields, name, encoded, protects
