"""Puts values back where their placeholders stand, in text that comes whole or in pieces.

It knows only what one request (or one connection) said itself: nothing is stored, so nothing can come back to anybody else.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, insort
from collections.abc import Mapping
from typing import Protocol

from sallyport.redaction.placeholders import OPENING, PATTERN

_MOST_VALUES = 10_000
"""Of one connection; what was said first is forgotten first."""


class Rewriter(Protocol):
    """What changes the texts of an answer."""

    searches: bool
    """It may change any text, not only one with placeholders."""

    def whole(self, text: str, *, escaped: bool = False) -> str:
        """`text` as the client gets it. `escaped`: it is JSON itself, in whose strings things change."""
        ...

    def piece(self, text: str, *, escaped: bool = False) -> tuple[str, str]:
        """What of `text` is sure, changed; and the rest, which waits for the next piece."""
        ...


class Restorer:
    """Values by placeholder. What a placeholder of somebody else stands for is unknown, and it stays."""

    searches = False

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values: dict[str, str] = {}
        self._sorted: list[str] = []
        self.learn(values or {})

    def __bool__(self) -> bool:
        """There is something to put back."""
        return bool(self.values)

    def learn(self, values: Mapping[str, str]) -> None:
        """Know these, too."""
        for name, value in values.items():
            if name not in self.values:
                insort(self._sorted, name)
            self.values[name] = value
        while len(self.values) > _MOST_VALUES:
            oldest = next(iter(self.values))
            del self.values[oldest]
            del self._sorted[bisect_left(self._sorted, oldest)]

    def whole(self, text: str, *, escaped: bool = False) -> str:
        """`text` with all that it lacks. `escaped`: it is JSON itself, in whose strings the placeholders stand."""
        if OPENING not in text:
            return text

        def value(match: re.Match[str]) -> str:
            value = self.values.get(match[0])
            if value is None:
                return match[0]
            return json.dumps(value, ensure_ascii=False)[1:-1] if escaped else value

        return PATTERN.sub(value, text)

    def piece(self, text: str, *, escaped: bool = False) -> tuple[str, str]:
        """What of `text` is sure, restored; and the rest, which may become a known placeholder with the next piece."""
        at = text.rfind("[")  # a placeholder has one, at its start
        tail = text[at:] if at >= 0 and self._begins(text[at:]) else ""
        return self.whole(text[: len(text) - len(tail)], escaped=escaped), tail

    def _begins(self, tail: str) -> bool:
        """Whether a known placeholder begins with `tail` and goes on."""
        place = bisect_left(self._sorted, tail)
        return place < len(self._sorted) and self._sorted[place].startswith(tail) and self._sorted[place] != tail
