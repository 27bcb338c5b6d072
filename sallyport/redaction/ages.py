"""Ages of people: only the number is the value, so that the sentence can still be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding
from sallyport.redaction.sieve import Sieve

_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_UNITS = "one|two|three|four|five|six|seven|eight|nine"
_TEENS = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_NUMBER = rf"(?P<age>1[01]\d|120|[1-9]?\d|(?:{_TENS})(?:[-‐‑– ](?:{_UNITS}))?|{_TEENS}|{_UNITS})"
_ORDINAL = (
    r"(?P<age>[1-9]?(?:1st|2nd|3rd|\dth)|1[0-2]\dth|(?:twent|thirt|fort|fift|sixt|sevent|eight|ninet)ieth|"
    rf"(?:{_TENS})[- ](?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth))"
)

_NUMBER_BEFORE = re.compile(rf"(?:(?<![\w.,$€£/+-])|(?<=\\[nrt])){_NUMBER}[ \u00a0‐‑–-]?\Z")
_UNIT_AFTER = r"(?![\w%:/]|[.,-]\d|\s?(?:%|m?s\b|sec|min|hour|day|week|px|kb|mb))"
_NUMBER_AFTER = re.compile(
    r"(?:['\"\\]{0,3}[^\S\n]{0,12}(?:=>|[:=>|])\s{0,2}['\"\\]{0,3}|[^\S\n]\(?(?:(?:of|is|was|as|about|around|just|only|nearly|almost|between)\s){0,3})"
    rf"{_NUMBER}{_UNIT_AFTER}"
)
_ANOTHER = re.compile(rf"(?:, | and | to | or |, and |-|–){_NUMBER}{_UNIT_AFTER}(?! (?:others|more|of)\b)")
_TURNED = re.compile(
    rf"\s(?:(?:now|only|just|already|almost|nearly|about|turning|exactly|going on|still|both)\s)?{_NUMBER}[mf]?"
    r"(?=\s?[.,;!?)]|\s(?:last|this|next|in|on|and|but|so|yesterday|today|tomorrow|years?|soon|when|now)\b|\s?\Z|\n)(?![.,]\d)"
)
_AT = re.compile(rf" at (?:the age of )?(?:just |only )?{_NUMBER}(?=[ ,.;!)]|\Z)(?! ?(?:am|pm|o'clock|percent|%)|[.,:]\d)")
_OF = re.compile(rf" of {_NUMBER}(?=[,.;)]|\s(?:years|who|with|and|was|is|from|has|had|in)\b|\Z)(?![.,]\d)")
_CAPITALISED = r"[A-ZÀ-ÖØ-ÞĀ-Ž][^\W\d_]*(?:['’-][^\W\d_]+)*"
_FULL_NAME = re.compile(
    rf"(?<!\w)(?:(?:Mr|Mrs|Ms|Dr|Prof)\.? {_CAPITALISED}|"
    rf"{_CAPITALISED}(?: {_CAPITALISED}\.?| (?:van|von|der|de|la|al|bin)){{0,3}} {_CAPITALISED})\Z"
)
_NAME = re.compile(rf"(?<!\w){_CAPITALISED}\Z")


_Look = Callable[[str, int, int], re.Match[str] | None]


def _before(text: str, start: int, end: int) -> re.Match[str] | None:
    if _OF_THINGS.match(text, end) is not None:
        return None
    return _NUMBER_BEFORE.search(text, max(0, start - 16), start)


_OF_THINGS = re.compile(r" (?:build|version|release|branch|code|bug|issue|file|data|backup|repo|project|commit|ticket)")


def _after(text: str, start: int, end: int) -> re.Match[str] | None:
    of_person = _is_word(text, start) or _OF_PERSON.search(text, max(0, start - 12), start) is not None
    return _NUMBER_AFTER.match(text, end - (not text[end - 1].isalnum())) if of_person else None


_OF_PERSON = re.compile(r"(?:patient|user|customer|person|employee|client|child|member|applicant|student|driver|owner)[_ .-]\Z")


def _birthday(text: str, start: int, end: int) -> re.Match[str] | None:
    del end
    return _BIRTHDAY.search(text, max(0, start - 20), start)


_BIRTHDAY = re.compile(rf"(?<![\w.,-]){_ORDINAL} \Z")


def _opening(text: str, start: int, end: int) -> re.Match[str] | None:
    """`At 34, she …`"""
    del end
    opens = start == 0 or text[start - 2 : start] in (". ", "! ", "? ") or text[start - 1] == "\n"
    return _AT_OPENING.match(text, start + len("at")) if opens else None


_AT_OPENING = re.compile(
    rf" (?:just |only )?{_NUMBER}, (?:he|she|they|i|we|his|her|[a-z]+ (?:was|is|had|has|became|left|moved))\b"
)


def _word(after: re.Pattern[str]) -> _Look:
    def look(text: str, start: int, end: int) -> re.Match[str] | None:
        return after.match(text, end) if _is_word(text, start) else None

    return look


def _both(text: str, start: int, end: int) -> re.Match[str] | None:
    """`they are both 34`"""
    del start
    return _TURNED.match(text, end - 1)


def _is_word(text: str, start: int) -> bool:
    return start <= 0 or not (text[start - 1].isalnum() or text[start - 1] in "_-.$")


_RELATION = (
    "son|daughter|wife|husband|mother|father|mom|mum|dad|brother|sister|grandmother|grandfather|grandma|grandpa|kid|baby|boss|partner|"
    "boyfriend|girlfriend|uncle|aunt|cousin|nephew|niece|patient|victim|suspect|defendant|neighbour|neighbor|twins|parents"
)
# What to find in the lower-case twin of the text (by RE2 first, all at once), and what must stand around it.
_RULES: tuple[tuple[str, _Look], ...] = (
    (r"year(?:s[ ‐‑–-]old|[ ‐‑–-]olds?|s of age|s young)\b", _before),
    (r"yrs?\.?[ -]?old\b", _before),
    (r"month(?:s[ -]old|-old)\b", _before),
    (r"week(?:s[ -]old|-old) (?:baby|infant|newborn|son|daughter|boy|girl|twins)", _before),
    (r"y\.?/?o\b", _before),
    (r"\baged\b", _after),
    (r"ages?(?:[_ ]?(?:in[_ ]?years|years|yrs|\((?:years|yrs)\)))?['\"\\\s:=>]", _after),
    (r"\bborn\b", _word(re.compile(rf" (?:about |some |almost )?{_NUMBER} years ago\b"))),
    (r"\bat \w+, ", _opening),
    (r"(?:approach|near|push)ing\b", _word(_TURNED)),
    (r"birthday\b", _birthday),
    (r"\bturn(?:s|ed|ing)?\b", _word(_TURNED)),
    (r"\b(?:we|they|you)(?:'re|’re| are| were) (?:both|all) ", _both),
    (r"\bi(?:'m|’m| am| was)\b", _word(_TURNED)),
    (r"\b(?:s?he|i|you)(?:'ll| will|'d| would) be\b", _word(_TURNED)),
    (r"\bs?he(?:'s|’s| is| was)\b", _word(_TURNED)),
    (r"\bwho(?:'s|’s| is| was)\b", _word(_TURNED)),
    (rf"\b(?:{_RELATION})(?:'s|’s| is| was| are| were|,)", _word(_TURNED)),
    (r"\b(?:died|dead|retire[sd]?|retiring|married|passed away|widowed|pregnant|orphaned|emigrated|diagnosed)\b", _word(_AT)),
    (r"\b(?:man|woman|boy|girl|child|widow|widower|lady|gentleman|teenager|mother|father)\b", _word(_OF)),
)
_SIEVE = Sieve([((re.compile(anchor), look), (re.sub(r"[^\x00-\x7f]", r"\?", f"(?i:{anchor})"),)) for anchor, look in _RULES])


def find_ages(haystack: Haystack) -> Iterator[Finding]:
    """Ages by the words around them."""
    text = haystack.lowered
    for anchor, look in _SIEVE.rules(haystack.ascii):
        for found in anchor.finditer(text):
            match = look(text, *found.span())
            if match is not None:
                yield Finding(*match.span("age"), "AGE")
                yield from _others(text, match.end("age")) if look is _after else ()
    yield from _after_names(haystack.text)
    for found in _SHORT.finditer(haystack.text):
        yield Finding(*found.span(found.lastgroup or 0), "AGE")


def _others(text: str, at: int) -> Iterator[Finding]:
    """`ages 5, 7 and 9`"""
    for _ in range(8):
        match = _ANOTHER.match(text, at)
        if match is None:
            return
        yield Finding(*match.span("age"), "AGE")
        at = match.end("age")


# `my wife (34F)`, `I [34 M]`, `34/F`, `M/34`, `34F here`
_SHORT = re.compile(
    r"[(\[](?P<age>[1-9]\d) ?/?(?:[FMfm]|[Mm]ale|[Ff]emale)[)\]]"
    r"|(?<![\w./-])(?P<slashed>[1-9]\d) ?/ ?[MF]\b(?![/.])|(?<![\w./-])[MF] ?/ ?(?P<second>[1-9]\d)\b(?![/.])"
    r"|(?<![\w./-])(?P<years>[1-9]\d) ?y(?:rs?)?(?=[,;)]| (?:male|female|old)\b)"
    r"|(?<![\w./-])(?P<here>[1-9]\d)[MF] here\b|(?<![\w./-])(?P<sex>[1-9]\d),? (?:male|female)\b"
)

_APPOSED = re.compile(
    r", (?P<age>[1-9]\d)(?=, (?:[a-z]|[A-Z][a-z]+,? [a-z])|[.;)]\s|[.;)]?\Z|,? (?:and|of|from|who)\b)"
    r"| \((?P<bracketed>[1-9]\d)\)(?= [a-z]|[,.;:]|\s*\Z)"
    r"| (?:is|was) (?P<being>[1-9]\d)(?=[,.;!?] |[.!?]?\Z| and (?:[a-z]+s|has|is|was)\b)"
)
# After any name, if only a verb follows that things don't have; `ages_of` looks after names that are sure to be people's.
_LONE = re.compile(
    r", (?:who is )?(?P<age>[1-9]\d), (?:who|is|was|has|had|lives?|lived|works?|worked|said|says|told|will|could|moved)\b"
)
_OF_NAME = re.compile(
    r"(?:,? (?:who )?(?:is|was|turns|turned|will be|just turned|aged|age)|,|['’]s|:)? ?(?:now |only |just |already )?"
    rf"\(?{_NUMBER}"
    r"(?=[.,;!?)\n]|\Z| (?:and|but|years|now|from)\b)(?![.,]\d)"
)


def ages_of(text: str, named: Iterable[Finding]) -> Iterator[Finding]:
    """Right after the names of people."""
    for name in named:
        match = _OF_NAME.match(text, name.end) if name.category == "PERSON" else None
        if match is not None and match.start("age") > name.end:
            yield Finding(*match.span("age"), "AGE")


def _after_names(text: str) -> Iterator[Finding]:
    """`Maria Lopez, 34, lives in …`, `Maria Lopez (34) lives in …`, `Maria, 34, is …`"""
    for apposed, name in ((_APPOSED, _FULL_NAME), (_LONE, _NAME)):
        for found in apposed.finditer(text):
            if name.search(text, max(0, found.start() - 48), found.start()) is not None:
                yield Finding(*found.span(found.lastgroup or 0), "AGE")
