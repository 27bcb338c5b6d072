"""Which parts of a text read like prose. Only these go to the language model: in code it finds people who are none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from sallyport.redaction.candidates import is_about_people, may_hold_name, sentences, words_of
from sallyport.redaction.wordlist import FUNCTION_WORDS

_PIECE = 3_500
"""Characters per piece: the language model's speed falls with longer ones."""
_LEAST_WORDS = 5
"""Of a line of prose among code."""
_LONGEST_LINE = 20_000
"""A longer line without a sentence's end is data."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_DIGITS = re.compile(r"\d+")
_CODE = re.compile(r"[{}\[\]<>=|\\_$&*@^~`/#+]|;(?!\s\w)|\w\(|\w\.\w|::|->")
_FENCE = re.compile(r"[ \t>]{0,8}(?:```|~~~)")
_LIST_MARK = re.compile(r"[ \t]*(?:[-*+•>]|\d{1,3}[.)]|#{1,6})[ \t]+")
_SENTENCE_END = re.compile(r"[.!?]['\")]?\s")
_ASIDE = re.compile(r"`[^`\n]{1,120}`|https?://\S{1,400}|<?[\w.+-]{1,64}@[\w.-]{1,100}>?|[#@][\w-]{1,40}")
"""Code, addresses and mentions within a sentence: it is prose all the same."""
_STATEMENT = re.compile(
    r"\s*(?:from \S+ import |import \w|return\b|package \w|(?:public|private|static|const|let|var)\s|"
    r"(?:if|for|while|with|elif|else|try|def|class|case|async|match)\b.*:\s*$|"
    r"(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE|ALTER|DROP|WHERE|FROM|JOIN|SET|GRANT)\b)"
)
_CHATS = re.compile(
    r"\b(?:hey|hi|hello|yo|thx|thanks|pls|plz|lol|i'?m|i’m|i|i'll|i've|u|ur|wanna|gonna|what'?s|where'?s|btw|my|you|she|he)\b"
    r"|^(?:how|what|where|who|when|why|which|can|could|any|anyone|best|flights?|weather|directions|book|find|email|remind|draft|write|call|text)\b"
)
_TWO_NAMES = re.compile(r"(?<![\w`.(])[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ'’-]+\.? (?:[a-z]{2,3} )?[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ'’-]+(?![\w(`])")
_NAME_LIKE = re.compile(r"(?:[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ'’-]+|[A-Z]{2,})")


class Piece(NamedTuple):
    """`text[start:start + len(content)]`, short enough for one pass of the language model."""

    start: int
    content: str
    strict: bool
    """Prose among code, as comments are: most that looks like a name there is none."""


def pieces(text: str) -> list[Piece]:
    """The prose of `text` in pieces of at most about 3.5 kB, cut between lines or sentences."""
    lines = list(_prose_lines(text))
    strict = 2 * sum(end - start for start, end in lines) < len(text) and text.count("\n") > 3
    found: list[Piece] = []
    start = end = 0
    for line in lines if is_about_people(text) else _with_candidates(text, lines):
        if strict and not _may_hold_full_name(text[slice(*line)]):
            continue
        for cut_start, cut_end in _cut(text, *line):
            if cut_start != end or cut_end - start > _PIECE:
                if end > start:
                    found.append(Piece(start, text[start:end], strict))
                start = cut_start
            end = cut_end
    if end > start:
        found.append(Piece(start, text[start:end], strict))
    return found


def _may_hold_full_name(line: str) -> bool:
    """Among code a name alone is none, so two words must be capitalised side by side."""
    return _TWO_NAMES.search(line) is not None and len(line.split()) >= _LEAST_WORDS


def _with_candidates(text: str, lines: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    words = words_of(text)
    for start, end in lines:
        line = text[start:end]
        for sentence_start, sentence_end in sentences(line):
            if is_chat(line) or may_hold_name(line[sentence_start:sentence_end], words):
                yield start + sentence_start, start + sentence_end


def _prose_lines(text: str) -> Iterator[tuple[int, int]]:
    """Lines with their line break; blank lines within prose count as prose, so that paragraphs stay together."""
    fenced, after_prose = False, False
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        line = text[start:end]
        if _FENCE.match(line) is not None:
            fenced, after_prose = not fenced, False
        elif not fenced:
            after_prose = after_prose if line.isspace() else is_prose(line)
            if after_prose:
                yield start, end
        start = end


def is_chat(line: str) -> bool:
    """Someone writes to someone, without capitals: names are in lower case, too."""
    return _CHATS.search(line) is not None and line.islower()


def is_prose(line: str) -> bool:
    """Mostly words, little punctuation of code, something capitalised that may be a name, and words that make sentences."""
    mark = _LIST_MARK.match(line)
    if mark is not None:
        line = line[mark.end() :]
    if _NAME_LIKE.search(line) is None and not is_chat(line):
        return False
    sample = _ASIDE.sub(" ", line[:_LONGEST_LINE])
    if _STATEMENT.match(sample) is not None:
        return False
    words = _WORD.findall(sample)
    if not words:
        return False
    letters = sum(map(len, words))
    digits = sum(map(len, _DIGITS.findall(sample)))
    visible = len(sample) - sample.count(" ") - sample.count("\t")
    if letters < max(0.7 * (visible - digits), 0.45 * visible) or letters / len(words) > 12:
        return False
    code = sum(1 for _ in _CODE.finditer(sample))
    function_words = sum(1 for word in words if word.lower() in FUNCTION_WORDS)
    if code > max(2 if len(words) > 5 else 1, 0.12 * len(words)):
        return False
    if len(words) < 4:  # a heading, a signature, a cell: names stand in these too
        return code == 0
    return function_words >= 1 + 0.08 * len(words) - (code == 0) or (code == 0 and _names(sample) >= 0.5 * len(words))


def _names(line: str) -> int:
    return sum(1 for _ in _NAME_LIKE.finditer(line))


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A long line in parts: at the end of a sentence, else at a blank, else anywhere."""
    while end - start > _PIECE:
        window = text[start : start + _PIECE]
        ends = [match.end() for match in _SENTENCE_END.finditer(window, _PIECE // 2)]
        at = ends[-1] if ends else window.rfind(" ", _PIECE // 2) + 1 or _PIECE
        yield start, start + at
        start += at
    yield start, end
