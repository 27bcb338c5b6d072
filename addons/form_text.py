"""A text of a form as a document that a guard can look at, and written back: what did not change stays as it was."""

from __future__ import annotations

import copy
from typing import Any

from addons.content import ContentError, read_object
from addons.form import FormText
from addons.splice import spliced
from sallyport.providers.base import JsonObject


class ReadableText:
    """A field stands under its name, as in JSON. Lines that are all JSON objects, as in a batch, are read as those."""

    def __init__(self, text: FormText) -> None:
        self._text = text
        self._lines = [] if text.is_field else text.content.splitlines(keepends=True)
        self._objects = _objects(self._lines)
        self.document: Any = list(self._objects.values())
        """What to look at; strings in it may be replaced."""
        self._before: Any = copy.deepcopy(self.document)
        if not self._objects:
            self._encoding, content = _decoded(text.content)
            self._place: Any = text.part.name if text.is_field else 0
            self.document = {self._place: content} if text.is_field else [content]
            self._before = copy.copy(self.document)

    def written(self) -> bytes:
        if self.document == self._before:
            return self._text.content
        if not self._objects:
            content: str = self.document[self._place]
            return content.encode(self._encoding)
        for index, new, old in zip(self._objects, self.document, self._before, strict=True):
            if new != old:
                line = self._lines[index]
                self._lines[index] = spliced(line.rstrip(), new, strings=True) + line[len(line.rstrip()) :]
        return b"".join(self._lines)


def _objects(lines: list[bytes]) -> dict[int, JsonObject]:
    """By the number of their line; none where one of the lines is something else."""
    found: dict[int, JsonObject] = {}
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            found[index], lines[index] = _object(line)
        except ContentError:
            return {}
    return found


def _object(line: bytes) -> tuple[JsonObject, bytes]:
    document, data = read_object(line)
    return document, data if data is line else data + b"\n"  # a key stood twice: all parsers are to read the same


def _decoded(content: bytes) -> tuple[str, str]:
    """Text that is no UTF-8 is read byte by byte: what stands there in ASCII is found all the same."""
    try:
        return "utf-8", content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1", content.decode("latin-1")
