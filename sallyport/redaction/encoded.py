"""Text files that travel in base64, as media or in a data URL: a model reads them, so they are looked at like any other text."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator

from sallyport.redaction.placeholders import Placeholders
from sallyport.redaction.strings import Json, Text, plan

_SHORTEST = 64
"""Characters; a file that is shorter is none, and an id or a name may look like base64."""
_SNIFFED = 1024
_BASE64 = re.compile(r"[A-Za-z0-9+/_=\s-]+")
_URL_SAFE = str.maketrans("-_", "+/")
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]|\A%PDF-")


class Encoded:
    """A text in base64, with what stands before it in a data URL."""

    def __init__(self, value: str, head: str, text: str) -> None:
        self._value = value
        self._head = head
        self._text = text
        self._inner: Text | Json = plan(text)

    def texts(self) -> Iterator[str]:
        """What the redactor should look at."""
        yield from self._inner.texts()

    def rebuild(self, redacted: Iterator[str], names: Placeholders) -> str:
        """The string as it may leave; takes as many of `redacted` as `texts` gave. `names` put the placeholders in."""
        text = self._inner.rebuild(redacted, names)
        return self._value if text == self._text else self._head + base64.b64encode(text.encode()).decode()


def encoded_text(value: str) -> Encoded | None:
    """`value`, if it is base64 of UTF-8 text; images, audio and PDFs show in their first bytes that they are not."""
    head, comma, data = value.partition(",") if value.startswith("data:") else ("", "", value)
    if len(data) < _SHORTEST or not _BASE64.fullmatch(data, 0, _SNIFFED) or _decode(data[:_SNIFFED], final=False) is None:
        return None
    text = _decode(data, final=True) if _BASE64.fullmatch(data) else None
    return None if text is None else Encoded(value, head + comma, text)


def _decode(data: str, *, final: bool) -> str | None:
    data = "".join(data.split()).translate(_URL_SAFE).rstrip("=")
    data = data + "=" * (-len(data) % 4) if final else data[: len(data) // 4 * 4]
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(binascii.a2b_base64(data), final)
    except ValueError:
        return None
    return text if looks_like_text(text) else None


def looks_like_text(start: str) -> bool:
    """Whether what begins so is text: no control characters, and no PDF, whose first bytes are text too."""
    return _BINARY.search(start) is None
