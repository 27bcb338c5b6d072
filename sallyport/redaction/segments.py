"""Cuts long texts where it hurts least, so that names are looked for in parts that are cached, and given up, one by one."""

from __future__ import annotations

from collections.abc import Iterator

_LONGEST = 12_000
_BORDERS = ("\n\n", "\n", ". ", " ")


def segments(text: str) -> Iterator[tuple[int, str]]:
    """The offset and content of each part, at most 12,000 characters long, cut at paragraphs, lines, sentences or words.

    A text that only grows at its end keeps its segments, save the last.
    """
    start = 0
    while len(text) - start > _LONGEST:
        end = _border(text, start)
        yield start, text[start:end]
        start = end
    yield start, text[start:]


def _border(text: str, start: int) -> int:
    for border in _BORDERS:
        at = text.rfind(border, start + _LONGEST // 2, start + _LONGEST)
        if at >= 0:
            return at + len(border)
    return start + _LONGEST
