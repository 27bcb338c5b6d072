"""A form that is being sent: its files stream through, its fields and what of its files is text is looked at on the way.

Its last boundary is held back until the call is admitted: without it a provider has no request that it could act on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from addons.multipart import FormError, FormReader, Part, Piece
from addons.text_file import FileText
from sallyport.providers.base import JsonObject, WireFormat
from sallyport.providers.usage import File

_MOST_FIELDS = 1024 * 1024
_KEPT_HEAD = 64
"""Bytes of a file that tell what it is."""


@dataclass(slots=True, eq=False)
class FormText:
    """A field, or some lines of a text file; what leaves is `content`."""

    part: Part
    content: bytes

    @property
    def is_field(self) -> bool:
        return self.part.filename is None


class Form:
    def __init__(self, boundary: bytes, shape: WireFormat, longest_line: int) -> None:
        self.shape = shape
        """How what is JSON in its files is to be read, and which fields are no text."""
        self.fields: JsonObject = {}
        """As they leave. A field whose name ends in `[]` may stand more than once, and is a list."""
        self.files: list[File] = []
        self._longest_line = longest_line
        self._reader = FormReader(boundary)
        self._field = bytearray()
        self._fields_size = 0
        self._text = FileText(longest_line)
        self._tail = b""

    def feed(self, data: bytes) -> Iterator[bytes | FormText]:
        """What may leave, in order; a text leaves, as it then is, when the next is asked for. Raises FormError."""
        for piece in self._reader.feed(data):
            if piece.part is None:
                if self._reader.closed:
                    self._tail += piece.data
                else:
                    yield piece.data
            elif piece.part.filename is None:
                yield from self._of_field(piece.part, piece)
            else:
                yield from self._of_file(piece.part, piece)

    def end(self) -> bytes:
        """What was held back. Raises FormError where the form is not whole."""
        if not self._reader.closed:
            raise FormError("its last boundary is missing")
        return self._tail

    def _of_field(self, part: Part, piece: Piece) -> Iterator[bytes | FormText]:
        self._field += piece.data
        self._fields_size += len(piece.data)
        if self._fields_size > _MOST_FIELDS:
            raise FormError(f"its fields are larger than {_MOST_FIELDS} bytes")
        if not piece.ends:
            return
        text = FormText(part, bytes(self._field))
        self._field.clear()
        yield text
        self._note(part.name, text.content.decode("utf-8", "replace"))
        yield text.content

    def _note(self, name: str, value: str) -> None:
        if name.endswith("[]"):
            cast("list[Any]", self.fields.setdefault(name, [])).append(value)
        elif name in self.fields:
            raise FormError(f"its field {name[:100]!r} stands twice")
        else:
            self.fields[name] = value

    def _of_file(self, part: Part, piece: Piece) -> Iterator[bytes | FormText]:
        if not self.files or self.files[-1].ended:
            self.files.append(File(part.name))
            self._text = FileText(self._longest_line)
        file = self.files[-1]
        file.size += len(piece.data)
        file.head += piece.data[: _KEPT_HEAD - len(file.head)] if len(file.head) < _KEPT_HEAD else b""
        file.ended = piece.ends
        try:
            blocks = self._text.feed(piece.data, ends=piece.ends)
        except ValueError as error:
            raise FormError(f"its file {part.name[:100]!r} {error}") from None
        for block in blocks:
            if not self._text.is_text:
                yield block
                continue
            text = FormText(part, block)
            yield text
            yield text.content
