"""A text file that streams by, in blocks that end with a line where they can, so that each can be looked at by itself."""

from __future__ import annotations

import codecs

from sallyport.redaction.encoded import looks_like_text

_SNIFFED = 1024
_BLOCK = 32 * 1024
_LONGEST_WORD = 1024


class FileText:
    """`feed` gives the blocks that are whole: text to be looked at, or, where the file is none, bytes that only pass."""

    def __init__(self, longest_line: int) -> None:
        """`longest_line`: bytes of a line of JSON beyond which the file is refused."""
        self._longest_line = longest_line
        self._held = b""
        self.is_text: bool | None = None
        """None until enough of it has come."""

    def feed(self, data: bytes, *, ends: bool) -> list[bytes]:
        """Raises ValueError for a line that is longer than anybody could look at at once."""
        self._held += data
        if self.is_text is None:
            if len(self._held) < _SNIFFED and not ends:
                return []
            self.is_text = _is_text(self._held[:_SNIFFED])
        blocks: list[bytes] = []
        while size := self._block(ends):
            blocks.append(self._held[:size])
            self._held = self._held[size:]
        return blocks

    def _block(self, ends: bool) -> int:
        """How many of the bytes that are held are the next block."""
        size = len(self._held)
        if not self.is_text or size <= _BLOCK:
            return size if ends or not self.is_text else 0
        line_end = self._held.rfind(b"\n", 0, _BLOCK) + 1 or self._held.find(b"\n") + 1
        if line_end:
            return line_end
        if not self._held.lstrip().startswith(b"{"):
            space = self._held.rfind(b" ", _BLOCK - _LONGEST_WORD, _BLOCK) + 1
            return space or _BLOCK
        if size > self._longest_line:
            raise ValueError(f"has a line of more than {self._longest_line} bytes")
        return size if ends else 0


def _is_text(start: bytes) -> bool:
    try:
        return looks_like_text(codecs.getincrementaldecoder("utf-8")().decode(start))
    except UnicodeDecodeError:
        return False
