"""Names that lists know: what the language model misses most are names that are rare in English.

`sure` ones (a given name with a family name, a place after `in`) win over the model; others add to what it finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sallyport.redaction import whereabouts
from sallyport.redaction.finding import Finding
from sallyport.redaction.gazetteer import folded, is_english, is_family, is_given, is_place, is_town
from sallyport.redaction.names import has_form, is_organisation, is_thing, stands_in_code
from sallyport.redaction.peoples import is_language, is_people
from sallyport.redaction.wordlist import FUNCTION_WORDS

_UPPER = "A-ZÀ-ÖØ-ÞĀ-Ž"
_NAME = rf"[{_UPPER}][^\W\d_]*(?:['’-][^\W\d_]+)*"
_PARTICLE = r"(?:van|von|der|den|de|la|le|da|di|du|dos|del|al|bin|ibn|ben|y)"
_PREFIX = r"(?<=\bhalf-)|(?<=\bex-)|(?<=\bnon-)|(?<=\bpro-)|(?<=\banti-)"
_ABBREVIATED = (
    rf"(?:(?<=[{_UPPER}])|(?<=\bSt)|(?<=\bMt)|(?<=\bFt)|(?<=\bMr)|(?<=\bMrs)|(?<=\bMs)|(?<=\bDr)|(?<=\bProf)|(?<=\b[JS]r))\."
)
_RUN = re.compile(rf"(?:(?<![\w@#/.'’-])|{_PREFIX}){_NAME}(?:(?:{_ABBREVIATED})?[ \u00a0](?:{_PARTICLE} ){{0,2}}{_NAME})*")
_WORD = re.compile(rf"{_NAME}|{_PARTICLE}(?= )")


class Name(NamedTuple):
    """`sure`: there is more to say for it than the word itself."""

    finding: Finding
    sure: bool


class _Word(NamedTuple):
    start: int
    end: int
    text: str
    key: str


def find_familiar(text: str, first: int, last: int) -> Iterator[Name]:
    """Names in the prose `text[first:last]`."""
    for run in _RUN.finditer(text, first, last):
        words = [_Word(*word.span(), word[0], folded(word[0])) for word in _WORD.finditer(text, *run.span())]
        at = 0
        while at < len(words):
            name, taken = (
                _people(text, words, at)
                or _place(text, words, at)
                or _full_name(text, words, at)
                or _lone_name(text, words, at)
                or (None, 1)
            )
            if name is not None:
                start, end, category = name.finding
                if has_form(text[start:end], category) and not stands_in_code(text, start, end):
                    yield name
            at += taken


def known_as(value: str, category: str) -> str | None:
    """The category of what the model takes for one of `category`, by the lists; None: it is none."""
    keys = [folded(word.strip(".")) for word in value.replace(",", " ").split()]
    whole = " ".join(keys)
    if is_people(whole):
        return "NRP"
    place = is_place(whole)
    person = any(is_given(key) or is_family(key) for key in keys)
    if category == "NRP" and len(keys) > 1 and not any(map(is_people, keys)):
        return None
    if len(keys) > 1:
        return category if category != "PERSON" or person or not all(map(is_english, keys)) else None
    if category == "PERSON":
        return "LOCATION" if place and not person else category
    if is_english(whole) or (category == "LOCATION" and (place or is_town(whole))):
        return category
    if place:
        return "LOCATION"
    if category == "NRP" and whereabouts.is_made_of_place(whole) and not is_given(whole):
        return category
    return "PERSON" if person or category == "NRP" else category


def _people(text: str, words: list[_Word], at: int) -> tuple[Name, int] | None:
    for taken in (2, 1):
        chosen = words[at : at + taken]
        start, end = chosen[0].start, chosen[-1].end
        key = " ".join(word.key for word in chosen)
        known = is_people(key) or any(map(is_people, key.split("-")))
        if known and taken == 1 and is_given(key) and (at + 1 < len(words) or whereabouts.is_spoken_of(text, start, end)):
            return None  # `Christian Weber`
        if len(chosen) == taken and known and not is_language(text, start, end):
            return (Name(Finding(start, end, "NRP"), sure=True), taken) if not text[start:end].isupper() else None
    return None


def _place(text: str, words: list[_Word], at: int) -> tuple[Name, int] | None:
    for taken in range(min(4, len(words) - at), 1, -1):
        chosen = words[at : at + taken]
        key = " ".join(word.key for word in chosen)
        known = is_place(key) and (
            not all(is_english(word.key) for word in chosen) or whereabouts.is_where(text, chosen[0].start)
        )
        if known or whereabouts.is_feature(chosen[0].key, chosen[-1].key):
            return Name(Finding(chosen[0].start, chosen[-1].end, "LOCATION"), sure=True), taken
    word = words[at]
    longer = _OF_PLACE.match(text, word.end)
    if longer is not None and is_place(folded(text[word.start : longer.end()])):
        return Name(Finding(word.start, longer.end(), "LOCATION"), sure=True), 1
    if len(words) > 1 and not (at and is_english(words[at - 1].key) and at + 1 == len(words)):
        return None
    if len(word.key) < 3 or is_thing(word.key) or word.key in FUNCTION_WORDS or word.text.isupper():
        return None
    listed, person = is_place(word.key), is_given(word.key)
    if not (listed or is_town(word.key)):
        return None
    finding = Finding(word.start, word.end, "LOCATION")
    if whereabouts.is_surely_where(text, word.start):
        return Name(finding, sure=listed and not person), 1
    if not listed or (is_english(word.key) and not _is_in_another(text, word)):
        return None
    if whereabouts.is_where(text, word.start):
        return Name(finding, sure=not person), 1
    return (Name(finding, sure=False), 1) if not person and not whereabouts.follows_title(text, word.start) else None


_OF_PLACE = re.compile(rf" (?:upon|am|of|on|sur|and|en|del?|da|do|le|la) (?:the )?{_NAME}")
"""`Newcastle upon Tyne`, `Isle of Man`"""


def _is_in_another(text: str, word: _Word) -> bool:
    """`Cork, Ireland`"""
    after = _PLACE_AFTER.match(text, word.end)
    return after is not None and is_place(folded(after[1])) and not is_english(folded(after[1]))


_PLACE_AFTER = re.compile(rf", ({_NAME}(?: {_NAME})?)")


def _full_name(text: str, words: list[_Word], at: int) -> tuple[Name, int] | None:
    """A person's name of two words or more."""
    first = words[at]
    if is_thing(first.key) or first.key in FUNCTION_WORDS or not first.text[0].isupper():
        return None
    rest = at + 1
    while rest < len(words) and rest < at + 5 and _may_follow(words[rest]):
        rest += 1
    while rest > at + 1 and not words[rest - 1].text[0].isupper():
        rest -= 1
    chosen, last = words[at:rest], words[rest - 1]
    if len(chosen) < 2:
        return _turned_name(text, first)
    if is_organisation(text[first.start : last.end]) or all(is_english(word.key) for word in chosen):
        return None
    if any(word.text.isupper() and len(word.text) > 1 for word in chosen):
        return None
    if any(is_people(word.key) for word in chosen[1:]) and not (_is_given(first.key) and is_family(last.key)):
        return None
    english, place = is_english(first.key), is_place(first.key)
    if _is_given(first.key):
        known = is_family(last.key) or not (is_english(last.key) or (place and is_place(last.key)))
    else:
        foreign = not (english or place or is_english(last.key) or is_place(last.key))
        known = len(chosen) == 2 and foreign and is_family(last.key)
    return (Name(Finding(first.start, last.end, "PERSON"), sure=True), len(chosen)) if known else None


def _turned_name(text: str, word: _Word) -> tuple[Name, int] | None:
    """`Lindqvist, Sven`."""
    after = _GIVEN_AFTER.match(text, word.end)
    if after is None or not is_family(word.key) or not is_given(folded(after[1])):
        return None
    both_english = is_english(word.key) and is_english(folded(after[1]))
    places = is_place(word.key) and is_place(folded(after[1]))
    return None if both_english or places else (Name(Finding(word.start, after.end(), "PERSON"), sure=True), 1)


_GIVEN_AFTER = re.compile(rf", ({_NAME})(?= (?:so|who|to|and|is|was|at|from)\b|[\n;.()<]|\Z)")


def _lone_name(text: str, words: list[_Word], at: int) -> tuple[Name, int] | None:
    word = words[at]
    if at + 1 < len(words) or len(word.key) < 3 or is_thing(word.key) or is_people(word.key) or word.text.isupper():
        return None
    given, spoken_of = _is_given(word.key), whereabouts.is_spoken_of(text, word.start, word.end)
    if (given and spoken_of) or ((given or spoken_of) and not is_english(word.key)):
        return Name(Finding(word.start, word.end, "PERSON"), sure=False), 1
    return None


def _is_given(key: str) -> bool:
    """Of a double name (`Mei-Ling`), both parts may be known."""
    return is_given(key) or ("-" in key and all(is_given(part) or is_family(part) for part in key.split("-")))


def _may_follow(word: _Word) -> bool:
    return not is_thing(word.key) and (
        not word.text[0].isupper() or is_family(word.key) or is_given(word.key) or not is_english(word.key)
    )
