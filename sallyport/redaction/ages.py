"""Ages of people: only the number is the value, so that the sentence can still be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding

_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_UNITS = "one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_NUMBER = rf"(?P<age>1[01]\d|120|[1-9]?\d|(?:{_TENS})(?:[- ](?:{_UNITS}))?|{_TEENS}|{_UNITS})"

_NUMBER_BEFORE = re.compile(rf"(?:(?<![\w.,$€£/+-])|(?<=\\[nrt])){_NUMBER}[ -]?\Z")
_NUMBER_AFTER = re.compile(
    rf"(?:['\"\\]{{0,3}}[^\S\n]{{0,2}}[:=]\s{{0,2}}['\"\\]{{0,3}}|[^\S\n](?:of\s|is\s|was\s)?){_NUMBER}(?![\w%:/]|[.,-]\d|\s?(?:%|m?s\b|sec|min|hour|day|week|px|kb|mb))"
)
_TURNED = re.compile(
    rf"\s{_NUMBER}(?=\s?[.,;!?)]|\s(?:last|this|next|in|on|and|yesterday|today|tomorrow|years?|soon|when)\b|\s?\Z)(?![.,]\d)"
)
_CAPITALISED = r"[A-ZÀ-ÖØ-Þ][^\W\d_]*(?:['’-][^\W\d_]+)*"
_FULL_NAME = re.compile(rf"(?<!\w){_CAPITALISED}(?: {_CAPITALISED}\.?| (?:van|von|der|de|la|al|bin)){{0,3}} {_CAPITALISED}\Z")


def _before(text: str, start: int, end: int) -> re.Match[str] | None:
    del end
    return _NUMBER_BEFORE.search(text, max(0, start - 16), start)


def _after(text: str, start: int, end: int) -> re.Match[str] | None:
    return _NUMBER_AFTER.match(text, end) if _is_word(text, start) else None


def _turned(text: str, start: int, end: int) -> re.Match[str] | None:
    she = text[start - 1 : start + 2] == "she"
    return _TURNED.match(text, end) if _is_word(text, start - she) else None


def _is_word(text: str, start: int) -> bool:
    return start <= 0 or not (text[start - 1].isalnum() or text[start - 1] in "_-.$")


# Each anchor starts with a literal, which makes searching for it cheap; the lower-case twin of the text is searched.
_RULES: tuple[tuple[re.Pattern[str], Callable[[str, int, int], re.Match[str] | None]], ...] = (
    (re.compile(r"year(?:s[ -]old|[ -]olds?|s of age)\b"), _before),
    (re.compile(r"yrs?\.?[ -]?old\b"), _before),
    (re.compile(r"month(?:s[ -]old|-old)\b(?! (?:build|version|release|branch|code|bug|issue|file|data|backup))"), _before),
    (re.compile(r"yo(?=[ .,;)]|\Z)"), _before),
    (re.compile(r"y/o\b"), _before),
    (re.compile(r"aged(?=\s)"), _after),
    (re.compile(r"age(?=['\"\\\s:=])"), _after),
    (re.compile(r"turn(?:s|ed|ing)"), _turned),
    (re.compile(r"i(?:'m|’m| am)(?=\s)"), _turned),
    (re.compile(r"he(?:'s|’s| is| was)(?=\s)"), _turned),
)


def find_ages(haystack: Haystack) -> Iterator[Finding]:
    """Ages by the words around them."""
    text = haystack.lowered
    for anchor, look in _RULES:
        for found in anchor.finditer(text):
            match = look(text, *found.span())
            if match is not None:
                yield Finding(*match.span("age"), "AGE")
    yield from _after_names(haystack.text)
    for found in _SHORT.finditer(haystack.text):
        yield Finding(*found.span("age"), "AGE")


# `my wife (34F)`
_SHORT = re.compile(r"\((?P<age>[1-9]\d) ?[FMfm]\)")

_APPOSED = re.compile(r", (?P<age>[1-9]\d)(?=, (?:[a-z]|[A-Z][a-z]+,? [a-z]))| \((?P<bracketed>[1-9]\d)\)(?= [a-z]|[,.;])")


def _after_names(text: str) -> Iterator[Finding]:
    """`Maria Lopez, 34, lives in …`, `Maria Lopez (34) lives in …`"""
    for found in _APPOSED.finditer(text):
        if _FULL_NAME.search(text, max(0, found.start() - 48), found.start()) is not None:
            yield Finding(*found.span(found.lastgroup or 0), "AGE")
