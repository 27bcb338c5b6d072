"""Nationalities, peoples, religions and political affiliations, by lists; a language (`in English`) is none of these."""

from __future__ import annotations

import re

from sallyport.redaction.wordlist import load

_WORDS = frozenset(word.replace("_", " ") for word in load("gazetteer/peoples.txt") | load("gazetteer/beliefs.txt"))
_VERBS = frozenset({"polish", "pole", "finn", "scot", "moor"})
"""Words that mean something else in lower case."""

_LANGUAGE_BEFORE = re.compile(
    r"\b(?:in|into|speak|speaks|speaking|spoke|spoken|fluent|learn|learns|learned|learning|understand|understands|"
    r"write|writes|read|reads|"
    r"translate[sd]?|translating|between|plain|good|bad|broken|better|basic|business|British|American|['’]s|their|"
    r"his|her|my|your|our|"
    r"always|[Oo]ld|[Mm]iddle|to|from|and|or|than) \Z|\bnon-\Z"
)
_LANGUAGE_AFTER = re.compile(
    r" (?:language|translation|version|text|word|letter|alphabet|character|dictionary|keyboard|locale|grammar|"
    r"speaker|speaking|lesson|"
    r"class|teacher|course|spelling|numeral|script|only|name|sentence|phrase|documentation|prose|idiom|stemmer|convention|"
    r"is (?:perfect|good))"
)
_NOUN_AFTER = re.compile(
    r"[ -](?!(?:and|or|but|is|was|with|to|for|as|very|quite|well|fluently|at|on|in|since|because|when|if|than|into|from|by)\b)"
    "[a-z]"
)
"""`her German husband`"""
_LANGUAGES = load("gazetteer/languages.txt")
_SAYS_WHO = re.compile(
    r"\b(?:i[’']?m|i am|(?:he|she)(?:[’']s| is| was)|(?:we|they|you)(?:[’']re| are| were)|who(?:[’']s| is| are)|an?|as|being|"
    r"my|her|his)(?: (?:a|an|not|also|both|half|devout|practi[cs]ing|proud|young|old|lapsed)){0,2} \Z",
    re.IGNORECASE,
)


def is_people(key: str) -> bool:
    """`key`: folded; one or two words, in singular or plural."""
    return key in _WORDS or (key.endswith("s") and (key[:-1] in _WORDS or (key.endswith("es") and key[:-2] in _WORDS)))


def is_language_name(key: str) -> bool:
    """Whether it is a language's name as well."""
    return key in _LANGUAGES


def is_language(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]`, which is a people's name too, stands there for its language."""
    if text[start:end].lower() not in _LANGUAGES:
        return False
    if _LANGUAGE_AFTER.match(text, end) is not None:
        return True
    return _LANGUAGE_BEFORE.search(text, max(0, start - 16), start) is not None and _NOUN_AFTER.match(text, end) is None


def is_people_in_lower_case(text: str, start: int, key: str) -> bool:
    """Whether the lower-case word `key` that starts there says what somebody is: `i'm german`, `a devout muslim`."""
    if key in _VERBS or not is_people(key):
        return False
    return key not in _LANGUAGES or _SAYS_WHO.search(text, max(0, start - 40), start) is not None
