"""Names in lines that are no prose, by the lists: records, logs, tables, chats with their speakers.

There a name stands without a sentence around it, so more is asked for: a full name that the lists know, and places and peoples
only in fields named for them or beside such a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sallyport.redaction.familiar import Name, find_familiar
from sallyport.redaction.finding import Finding
from sallyport.redaction.gazetteer import folded, is_english, is_given
from sallyport.redaction.names import is_thing
from sallyport.redaction.peoples import is_language_name, is_people
from sallyport.redaction.place_fields import find_places
from sallyport.redaction.records import VALUE
from sallyport.redaction.whereabouts import is_where

_SPEAKER = re.compile(
    rf"^[ \t>*-]{{0,6}}(?:\[?(?:\d{{4}}-\d\d-\d\d[T ])?\d\d?:\d\d(?::\d\d)?(?: ?[APap][Mm])?\]?,? ?-? ?)?<?{VALUE}>?:\s",
    re.MULTILINE,
)
_CELL = re.compile(r"[\"'|;,\t>] ?(?P<value>[A-Z][a-z]{2,20}(?:[ -][A-Z][a-z]{2,20})?)(?= ?[\"'|;,\t<\n]|\Z)")
"""A value by itself: of a column, a list, a field."""
_HINT = re.compile(r"[A-ZÀ-ÖØ-ÞĀ-Ž]\w+[.,]? (?:\w{1,3} )?[A-ZÀ-ÖØ-ÞĀ-Ž]\w|\b(?:in|from|to|near|at) [A-ZÀ-ÖØ-ÞĀ-Ž]\w")
"""Two capitalised words, or one after `in`: without either there is nothing to find."""


def find_beside_prose(text: str, prose: Iterable[tuple[int, int]]) -> Iterator[Finding]:
    """Names in what is left between the parts `prose` of `text`, and in fields and before colons everywhere."""
    reached = 0
    for start, end in (*prose, (len(text), len(text))):
        yield from _in_lines(text, reached, start)
        reached = end
    for speaker in _SPEAKER.finditer(text):
        keys = [folded(word) for word in speaker["value"].split()]
        if is_given(keys[0]) and not all(map(is_english, keys)) and not is_thing(keys[0]):
            yield Finding(*speaker.span("value"), "PERSON")
    for cell in _CELL.finditer(text):
        key = cell["value"].lower()
        if is_people(key) and not is_language_name(key):
            yield Finding(*cell.span("value"), "NRP")
    yield from find_places(text)


def _in_lines(text: str, start: int, end: int) -> Iterator[Finding]:
    while (hint := _HINT.search(text, start, end)) is not None:
        line, start = text.rfind("\n", start, hint.start()) + 1 or start, text.find("\n", hint.start(), end) + 1 or end
        names = list(find_familiar(text, line, start))
        people = any(name.sure and name.finding.category == "PERSON" for name in names)
        yield from (name.finding for name in names if _stands(text, name, beside_people=people))


def _stands(text: str, name: Name, *, beside_people: bool) -> bool:
    start, _, category = name.finding
    if category == "PERSON":
        return name.sure
    return beside_people or (category == "LOCATION" and name.sure and is_where(text, start))
