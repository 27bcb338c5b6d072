"""Careless writing put into the case that names are looked for in: lines all in capitals, and chats without any.

Nothing moves: each line keeps its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sallyport.redaction.gazetteer import folded, is_english, is_family, is_given, is_place
from sallyport.redaction.names import PARTICLES, is_thing
from sallyport.redaction.peoples import is_people_in_lower_case
from sallyport.redaction.prose import is_chat
from sallyport.redaction.wordlist import FUNCTION_WORDS

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LINE = re.compile(r"[^\n]+")
_SHORTEST = 12
"""Letters of a line in capitals: a shorter one is a heading or an abbreviation."""


def truecased(text: str) -> str:
    """`text` with such lines in the usual case."""
    return _LINE.sub(_line, text)


def _line(match: re.Match[str]) -> str:
    line = match[0]
    if is_chat(line):
        return _WORD.sub(lambda word: _raised(line, word), line)
    if line.upper() == line and sum(map(str.isalpha, line)) >= _SHORTEST and line.count(" ") >= 2:
        words = list(_WORD.finditer(line))
        for word, written in zip(words, _lowered([folded(word[0]) for word in words], words), strict=True):
            if len(written) == len(word[0]):
                line = line[: word.start()] + written + line[word.end() :]
    return line


def _lowered(keys: list[str], words: list[re.Match[str]]) -> Iterator[str]:
    """Words of the language in lower case, names capitalised."""
    names = [not is_english(key) and key not in FUNCTION_WORDS and key not in PARTICLES for key in keys]
    for at in range(len(keys)):
        if is_given(keys[at]) and at + 1 < len(keys) and is_family(keys[at + 1]) and (names[at] or names[at + 1]):
            names[at] = names[at + 1] = True
        for count in (2, 3, 4):
            if is_place(" ".join(keys[at : at + count])) and any(names[at : at + count]):
                names[at : at + count] = [True] * count
    for word, name in zip(words, names, strict=False):
        yield _capitalised(word[0]) if name else word[0].lower()


def _raised(line: str, match: re.Match[str]) -> str:
    word, key = match[0], folded(match[0])
    if is_people_in_lower_case(line, match.start(), key):
        return word.capitalize()
    if len(key) < 3 or is_english(key) or key in FUNCTION_WORDS or is_thing(key):
        return word
    known = is_given(key) or is_place(key) or is_family(key)
    return _capitalised(word) if known and len(_capitalised(word)) == len(word) else word


def _capitalised(word: str) -> str:
    return "-".join(part.capitalize() for part in word.split("-"))
