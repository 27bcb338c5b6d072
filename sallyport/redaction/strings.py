"""One string of a document, as the texts that are looked at: itself, or, where it is JSON, the strings in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise

import orjson

from sallyport.redaction.placeholders import Placeholders

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_MOST_STRINGS = 20_000
_DEEPEST = 3
"""JSON in JSON in JSON; further in, it is text."""

# Values without a shape of their own are known by the name of their field.
_TELLING = re.compile(
    r"secret|key|token|passw|passphrase|pwd|auth|credential|ssn|social|phone|mobile|cell|fax|tel|age$|dsn", re.I
)
_LONGEST_VALUE = 4_000
_PAIR = '="'


class Text:
    """A text; `name`: the field it stands in, looked at with it where that tells what the value is."""

    def __init__(self, text: str, name: str | None = None) -> None:
        self._text = text
        named = name is not None and len(text) <= _LONGEST_VALUE and _PAIR not in name and _TELLING.search(name) is not None
        self._prefix = f"{name}{_PAIR}" if named else ""

    def texts(self) -> Iterator[str]:
        """What the redactor should look at."""
        yield f'{self._prefix}{self._text}"' if self._prefix else self._text

    def rebuild(self, redacted: Iterator[str], names: Placeholders) -> str:
        """The string as it may leave; takes as many of `redacted` as `texts` gave. `names` put the placeholders in."""
        text = next(redacted)
        if not self._prefix:
            return text
        _, found, value = text.partition(_PAIR)
        return value.removesuffix('"') if found else text


class Json:
    """A string that is a JSON object or array. Its bytes stay as they are but for the strings that change.

    What is `structured` (tool arguments) a model reads by its fields; other JSON it reads as the text it is, escapes included.
    """

    def __init__(self, text: str, depth: int, *, structured: bool) -> None:
        self._text = text
        self._structured = structured
        tokens = [match.span() for match in _STRING.finditer(text)]
        self._strings = [
            (start, end, plan(json.loads(text[start:end]), name, depth + 1))
            for (start, end), name in zip(tokens, _names(text, tokens), strict=True)
        ]

    def texts(self) -> Iterator[str]:
        for _, _, string in self._strings:
            yield from string.texts()

    def rebuild(self, redacted: Iterator[str], names: Placeholders) -> str:
        parts: list[str] = []
        reached = 0
        for start, end, string in self._strings:
            raw, value = self._text[start:end], string.rebuild(redacted, names)
            if value != json.loads(raw):
                ascii_only = "\\u" in raw
                written = json.dumps(value, ensure_ascii=ascii_only)
                written = written if self._structured else names.as_written(written, ascii_only=ascii_only)
                parts += (self._text[reached:start], written)
                reached = end
        return "".join((*parts, self._text[reached:]))


def _names(text: str, tokens: list[tuple[int, int]]) -> Iterator[str | None]:
    """For each string token the key that it is the value of, if it is one."""
    yield None
    for (start, end), (next_start, _) in pairwise(tokens):
        yield text[start + 1 : end - 1] if text[end:next_start].strip() == ":" else None


def plan(text: str, name: str | None = None, depth: int = 0, *, structured: bool = False) -> Text | Json:
    """How to look at a string that stands in field `name`. `structured`: if it is JSON, then as tool arguments are."""
    stripped = text.strip()
    if depth < _DEEPEST and stripped[:1] + stripped[-1:] in ("{}", "[]") and 0 < text.count('"') <= 2 * _MOST_STRINGS:
        try:
            orjson.loads(text)
            return Json(text, depth, structured=structured)
        except ValueError:  # no JSON, or of a kind that only JSON's cousins allow
            pass
    return Text(text, name)
