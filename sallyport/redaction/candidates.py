"""Which sentences of a text that is not about people may hold a name all the same. The rest need not be read for names.

Descriptions of tools and manuals are most of what a coding agent sends first, and reading them is most of what it costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sallyport.redaction.names import CAPITALS, is_thing, is_written_as_name, opens_sentence_as_verb
from sallyport.redaction.wordlist import FUNCTION_WORDS

_PERSONAL = re.compile(
    r"\b(?:I|I'm|[Mm]y|[Hh]e|[Ss]he|[Hh]is|[Hh]ers?|[Hh]im|[Mm]rs?|[Mm]s|[Dd]r|[Pp]rof|[Ww]ife|[Hh]usband|[Ff]amily|[Bb]orn|[Nn]amed)\b"
)
_CAPITALISED = re.compile(r"(?<![\w`./_@-])[A-ZÀ-ÖØ-Þ][^\W\d_]*(?:['’-][^\W\d_]+)*(?![\w`/_(]|\.\w)")
_SENTENCE = re.compile(r"(?:[^.!?\n]|[.!?](?!\s)){1,2000}+[.!?\n]{0,3}\s{0,80}|[\s\S]")
_OPENING = re.compile(r"(?:\A\s*|[.!?:;)\"]\s+|[-*•>#|]\s+|\d[.)]\s+|\()\Z")
_WORD = re.compile(r"\b[a-z]+\b")


def is_about_people(text: str) -> bool:
    """Someone is spoken of, or speaks of themselves: all of it should be read."""
    return _PERSONAL.search(text) is not None


def words_of(text: str) -> frozenset[str]:
    """The words that stand in lower case in `text`."""
    return frozenset(_WORD.findall(text))


def sentences(line: str) -> Iterator[tuple[int, int]]:
    """Where they stand; together they are all of `line`."""
    return (match.span() for match in _SENTENCE.finditer(line))


def may_hold_name(sentence: str, words: frozenset[str]) -> bool:
    """Two capitalised words side by side, or one that is no word of the text (`words`), no thing, no verb at the start."""
    for match in _CAPITALISED.finditer(sentence):
        word, end = match[0], match.end()
        lowered = word.lower()
        if word in CAPITALS:
            return True
        if lowered in FUNCTION_WORDS:
            continue
        if sentence[end : end + 1] == " " and _CAPITALISED.match(sentence, end + 1) is not None:
            return True
        if len(word) < 2 or lowered in words or is_thing(lowered) or not is_written_as_name(word):
            continue
        if word.isupper():
            continue
        if _OPENING.search(sentence, max(0, match.start() - 6), match.start()) is not None and opens_sentence_as_verb(
            sentence, end
        ):
            continue
        return True
    return False
