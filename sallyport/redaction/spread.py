"""A value found in one place of a request is replaced in every other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from sallyport.redaction import placeholders
from sallyport.redaction.finding import Finding, merge
from sallyport.redaction.names import has_form, is_word, stands_in_code
from sallyport.redaction.scan import outside

_NAMES = frozenset({"PERSON", "LOCATION", "NRP"})
_NUMBERS = frozenset({"EMAIL", "US_PHONE_NUMBER", "US_SSN"})
PERSONAL = _NAMES | _NUMBERS | {"AGE"}

_SHORTEST_SECRET = 8
_ANYWHERE = 16
"""A secret this long is replaced within words, too."""
_SHORTEST_NAME = 3
_MOST_VALUES = 1_000


class Values:
    """What was found so far, in reading order."""

    def __init__(self) -> None:
        self._categories: dict[str, str] = {}
        self.state = b""
        """Changes with every value: two requests in the same state replace the same in the same text."""

    def add(self, text: str, findings: Iterable[Finding]) -> None:
        """Take the values of `findings`; of a person's name, its parts too."""
        for start, end, category in findings:
            value = text[start:end]
            self._add(value, category)
            if category == "PERSON" and " " in value:
                for part in value.split():
                    if len(part) >= _SHORTEST_NAME and part.isalpha():
                        self._add(part, category)

    def _add(self, value: str, category: str) -> None:
        shortest = _SHORTEST_NAME if category in PERSONAL else _SHORTEST_SECRET
        if category == "AGE" or len(value) < shortest or value in self._categories or len(self._categories) >= _MOST_VALUES:
            return
        if category in _NAMES and not has_form(value, category):
            return
        self._categories[value] = category
        addition = f"{category}\0{value}".encode("utf-8", "surrogatepass")
        self.state = hashlib.blake2b(self.state + addition, digest_size=16).digest()

    def find(self, text: str) -> list[Finding]:
        """Where these values stand in `text`."""
        found = [
            Finding(at, at + len(value), category)
            for value, category in self._categories.items()
            if value in text and not (category in _NAMES and " " not in value and is_word(value, text, 0, len(text)))
            for at in _places(text, value, category)
        ]
        return outside(merge(found), placeholders.spans(text)) if found else found


def _places(text: str, value: str, category: str) -> Iterator[int]:
    anywhere = category not in PERSONAL and len(value) >= _ANYWHERE
    name = category in _NAMES
    at = text.find(value)
    while at >= 0:
        end = at + len(value)
        if anywhere or not (_within_word(text, at, end) or (name and stands_in_code(text, at, end))):
            yield at
        at = text.find(value, end)


def _within_word(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    escape = before in ("n", "r", "t") and text[start - 2 : start - 1] == "\\"
    return (before.isalnum() and not escape) or after.isalnum()
