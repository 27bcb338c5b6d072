"""What counts as the name of a person, a place or a people among what the language model takes for one.

The model is right about nine times in ten in prose; nearly all of the rest has a shape that names don't have, or is the name of a
product. General rules on shape come first; the list of products is short and for the most common only.
"""

from __future__ import annotations

import re

from sallyport.redaction.wordlist import FUNCTION_WORDS, load

CATEGORIES = {"PERSON": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "NORP": "NRP"}
"""The model's labels that are personal data → ours."""

_PRODUCTS = load("not_names.txt")
_AMBIGUOUS = frozenset({"alexa", "cassandra", "claude", "java", "jenkins", "travis"})
"""Of these, the ones that may be part of a longer name: `Claude Monet`."""

_WORD = r"[^\W\d_]+(?:['’\-][^\W\d_]+)*\.?"
_PHRASE = re.compile(rf"{_WORD}(?:[ \u00a0]{{1,3}}{_WORD}|, {_WORD}){{0,7}}")
_CAMEL = re.compile(r"[a-zß-öø-ÿ][A-ZÀ-ÖØ-Þ]")
_CAMEL_NAME = re.compile(r"(?:Mc|Mac|De|Di|Du|La|Le|Van|Von|Fitz|O['’]|D['’]|Al|El|Ka|Da|Ma|Ta|Ja|St)[A-Z]")
_ACRONYM = re.compile(r"[A-Z]{2,}[a-z]")  # SSLContext, URLs
_PEOPLE = re.compile(r"[a-z]{3,}(?:an|ish|ese|im|ic|ist|i|ch|ew|crat)s?")
"""In lower case, as in chats: `muslim`, `american`, `republicans`."""
_NEAR = 4_000
"""Characters."""
_STRIP = " \t\r\n.,;:!?\"'’“”()*_-–—"
_BEFORE_CODE = "_/\\`@$#<={[.~|&%+"
_AFTER_CODE = "_/\\`@$#>=}]~|&%+(["
PARTICLES = frozenset(
    {
        "van",
        "von",
        "der",
        "den",
        "de",
        "la",
        "le",
        "da",
        "di",
        "du",
        "dos",
        "del",
        "al",
        "bin",
        "ibn",
        "ben",
        "of",
        "upon",
        "am",
        "on",
        "sur",
        "en",
        "do",
        "the",
        "and",
        "y",
    }
)
CAPITALS = frozenset({"US", "USA", "UK", "UAE", "EU", "NYC", "LA", "DC", "GOP"})
"""Names that are written so."""
_SHOUTED = re.compile(r"[A-Z]{2,} [A-Z]{2,} |  ?[A-Z]{2,} [A-Z]{3,}")
"""A sentence all in capitals, where `US` is a pronoun."""
_ORGANISATION = re.compile(
    r"\b(?:Inc|Ltd|LLC|Corp|GmbH|Co|Team|Group|Foundation|Project|Authors|Contributors|Developers|Community|Software|Labs|Services|"
    r"Department|University|Institute|Bank|Systems|Technologies|Association|Committee|Company|Support|Bot|Admin|Engineering)\b"
)
_PRODUCT = re.compile(r"\b(?:Code|Desktop|Studio|Server|Cloud|API|SDK|CLI|App|Pro|IDE|Agent|Assistant|Opus|Sonnet|Haiku)\b")
"""A word that makes the name before it a product's: `Claude Code`, `Visual Studio`."""
_AS_VERB = re.compile(r"(?: (?:this|all|the|an?|as|that|it|its|your|each|any|if|when|to|back|up|down)\b|:\s*(?:\n|\Z))")
"""After a word that opens a sentence: `Mark the task`, `Raises:`."""
_DETERMINERS = re.compile(
    r"\b(?:the|a|an|this|each|every|our|your|via|using|with|class|function|module|library|package)\s\Z", re.IGNORECASE
)


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without what clings to a name: quotes, a possessive, an article."""
    while start < end and text[start] in _STRIP:
        start += 1
    while end > start and text[end - 1] in _STRIP:
        end -= 1
    if text[start : start + 4].lower() == "the ":
        start += 4
    if text[max(start, end - 2) : end] in ("'s", "’s"):
        end -= 2
    return start, end


def is_name(text: str, start: int, end: int, category: str, *, strict: bool = False) -> bool:
    """Whether `text[start:end]` can be a name of that category where it stands. `strict`: the text around it is mostly code."""
    value = text[start:end]
    if category == "NRP" and not strict and _PEOPLE.fullmatch(value) is not None:
        return value not in _PRODUCTS
    if not has_form(value, category) or stands_in_code(text, start, end):
        return False
    if category == "PERSON" and (is_organisation(value) or _PRODUCT.search(value) is not None):
        return False
    if " " in value:
        return True
    return not strict and _is_lone_name(text, start, end, category)


def has_form(value: str, category: str) -> bool:
    """Whether `value` is written as names are, and is none that we know to be something else's."""
    if not 2 <= len(value) <= 80 or _PHRASE.fullmatch(value) is None:
        return False
    words = value.replace(",", " ").split()
    if not words[0][0].isupper() or not all(is_written_as_name(word) for word in words):
        return False
    lowered = [word.lower().rstrip(".") for word in words]
    if any(word in _PRODUCTS and not (len(words) > 1 and word in _AMBIGUOUS) for word in lowered):
        return False
    if len(words) > 1:
        return True
    if value.replace(".", "").isupper():
        return category != "PERSON" and value.replace(".", "") in CAPITALS
    return lowered[0] not in FUNCTION_WORDS


def is_organisation(value: str) -> bool:
    """Says itself that it is one: `Platform Team`, `Acme Inc`."""
    return _ORGANISATION.search(value) is not None


def stands_in_code(text: str, start: int, end: int) -> bool:
    """What touches `text[start:end]` makes it part of an identifier, a path, a call."""
    if start > 0 and text[start - 1] in _BEFORE_CODE:
        return True
    if end == len(text):
        return False
    if text[end] in _AFTER_CODE or text[end].isalnum():
        return True
    return text[end] in ".:" and text[end + 1 : end + 2].isalnum()


def is_word(value: str, text: str, start: int, end: int) -> bool:
    """`value` stands in lower case in `text[start:end]`: it is a word of the language rather than a name."""
    lowered, start = value.lower(), max(0, start)
    if lowered == value:
        return False
    while (at := text.find(lowered, start, end)) >= 0:
        start = at + len(lowered)
        if not (text[at - 1 : at].isalnum() or text[start : start + 1].isalnum()):
            return True
    return False


def _is_lone_name(text: str, start: int, end: int, category: str) -> bool:
    if is_word(text[start:end], text, start - _NEAR, end + _NEAR):
        return False
    if category != "PERSON":
        return not (text[start:end] in CAPITALS and _SHOUTED.search(text, max(0, start - 16), end + 16))
    return (
        end - start > 2 and _DETERMINERS.search(text, max(0, start - 12), start) is None and not opens_sentence_as_verb(text, end)
    )


def is_thing(word: str) -> bool:
    """The lower-case `word` is a product's, a program's or a label's."""
    return word in _PRODUCTS


def opens_sentence_as_verb(text: str, end: int) -> bool:
    """Whether what follows the word that ends there makes it a verb: `Mark the task`."""
    return _AS_VERB.match(text, end) is not None


def is_written_as_name(word: str) -> bool:
    """In the case that names are in, which identifiers (`SendMessage`, `SSLContext`) are not."""
    if word.lower() in PARTICLES:
        return True
    if not word[0].isupper():
        return False
    if _ACRONYM.match(word) is not None:
        return False
    return _CAMEL.search(word) is None or _CAMEL_NAME.match(word) is not None
