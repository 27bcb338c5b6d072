"""Careless writing put into the case that names are looked for in: lines all in capitals, and chats without any.

Nothing moves: each line keeps its length.
"""

from __future__ import annotations

import re

from sallyport.redaction.gazetteer import folded, is_english, is_family, is_given, is_place
from sallyport.redaction.names import PARTICLES, is_thing
from sallyport.redaction.peoples import is_people_in_lower_case
from sallyport.redaction.prose import is_chat
from sallyport.redaction.whereabouts import is_spoken_of
from sallyport.redaction.wordlist import FUNCTION_WORDS

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LINE = re.compile(r"[^\n]+")
_WHERE = frozenset({"in", "from", "to", "near", "at"})
_SHORTEST = 12
"""Letters of a line in capitals: a shorter one is a heading or an abbreviation."""


def truecased(text: str) -> str:
    """`text` with such lines in the usual case."""
    return _LINE.sub(_line, text)


def _line(match: re.Match[str]) -> str:
    line = match[0]
    chat = is_chat(line)
    if not chat and not _is_shouted(line):
        return line
    words = list(_WORD.finditer(line))
    keys = [folded(word[0]) for word in words]
    names = [_is_name(line, word, key) if chat else _is_no_word(key) for word, key in zip(words, keys, strict=True)]
    _join(keys, names)
    for word, name in zip(words, names, strict=True):
        written = "-".join(part.capitalize() for part in word[0].split("-")) if name else word[0].lower()
        if len(written) == len(word[0]):
            line = line[: word.start()] + written + line[word.end() :]
    return line


def _is_shouted(line: str) -> bool:
    return line.upper() == line and sum(map(str.isalpha, line)) >= _SHORTEST and line.count(" ") >= 2


def _is_no_word(key: str) -> bool:
    """Of a shouted line, what is no English word may be a name."""
    return not is_english(key) and key not in FUNCTION_WORDS and key not in PARTICLES


def _is_name(line: str, word: re.Match[str], key: str) -> bool:
    """Of a line in lower case, what lists know, or who is spoken of."""
    if is_people_in_lower_case(line, word.start(), key):
        return True
    if len(key) < 3 or is_thing(key) or not _is_no_word(key):
        return False
    return is_given(key) or is_place(key) or is_family(key) or is_spoken_of(line, *word.span())


def _join(keys: list[str], names: list[bool]) -> None:
    """Names of several words are marked whole, where one of them is an English word, too: `grace kim`, `in cape town`."""
    for at, key in enumerate(keys):
        small = FUNCTION_WORDS.intersection(keys[at : at + 2])
        if is_given(key) and not small and at + 1 < len(keys) and is_family(keys[at + 1]) and any(names[at : at + 2]):
            names[at : at + 2] = True, True
        where = at > 0 and keys[at - 1] in _WHERE
        for count in (2, 3, 4):
            part = names[at : at + count]
            if (where or any(part)) and is_place(" ".join(keys[at : at + count])):
                names[at : at + count] = [True] * len(part)
