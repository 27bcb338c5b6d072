"""A token that code or a terminal cut in parts, put together again: `"ghp_ab" + "cd…"`, a line that goes on after `\\`, `%2F`."""

from __future__ import annotations

import re

_MOST_PARTS = 12
_BEFORE = 12
"""Characters before the token that are kept, for what rules say about them."""

_RUN = re.compile(r"[A-Za-z0-9+/=_.~-]{0,1000}+")
_BLANK = r"(?:\s|\\[nrt])"
_QUOTE = r"\\{0,3}[\"'`]"
_CUT = re.compile(
    rf"{_QUOTE}{_BLANK}{{0,40}}(?:\+|\.\.?|&|\|\|){_BLANK}{{0,80}}{_QUOTE}(?=\w)"  # "a" + "b"
    rf"|{_QUOTE}[ \t]{{0,40}}\\{{0,2}}(?:\r?\n|\\n)[ \t]{{0,80}}{_QUOTE}(?=\w)"  # "a" "b" on two lines
    r"|\\{1,2}(?:\r?\n|\\n)[ \t]{0,80}(?=\w)"  # a line that goes on
    r"|[\u00ad\u200b-\u200d\u2060\ufeff]+"  # characters that nobody sees
)
_LINE = re.compile(r"(?:\r?\n|\\n)[ \t]{0,80}(?=\w)")
"""A line that was broken where the window ended."""
_ESCAPE = re.compile(r"(?:%|\\u00)([2-7][0-9A-Fa-f])|\\(/)")


def cut_at(text: str, at: int) -> re.Match[str] | None:
    """What cuts a token there, if something does."""
    return _CUT.match(text, at)


class Joined:
    """`text` is what stands from `at` on, without cuts and escapes; `at` is now at `begin`."""

    def __init__(self, text: str, begin: int, starts: list[int], ends: list[int]) -> None:
        self.text = text
        self.begin = begin
        self.end = ends[-1]
        """Where in the original text its last part ends."""
        self._starts = starts
        self._ends = ends

    def places(self, start: int, end: int) -> tuple[int, int]:
        """Where `self.text[start:end]` stands in the original text."""
        return self._starts[start], self._ends[end - 1]

    @classmethod
    def of(cls, text: str, at: int, *, lines: bool) -> Joined | None:
        """None where nothing is cut. `lines`: a line break by itself may be a cut, too."""
        if not _is_cut(text, _RUN.match(text, at), lines=lines):
            return None
        first = max(0, at - _BEFORE)
        parts = [text[first:at]]
        starts = list(range(first, at))
        ends = list(range(first + 1, at + 1))

        def take(part: str, end: int) -> None:
            parts.append(part)
            starts.extend(range(at, end) if len(part) == end - at else [at])
            ends.extend(range(at + 1, end + 1) if len(part) == end - at else [end])

        for _ in range(_MOST_PARTS):
            if (run := _RUN.match(text, at)) is not None:
                take(run[0], run.end())
                at = run.end()
            if (escape := _ESCAPE.match(text, at)) is not None:
                take(escape[2] or chr(int(escape[1], 16)), escape.end())
                at = escape.end()
            elif (cut := _cut(text, at, lines=lines)) is not None:
                at = cut.end()
            else:
                break
        take(text[at : at + 1], at + 1)
        return cls("".join(parts), len(parts[0]), starts, ends)


def _is_cut(text: str, run: re.Match[str] | None, *, lines: bool) -> bool:
    at = run.end() if run is not None else 0
    return run is not None and (_cut(text, at, lines=lines) or _ESCAPE.match(text, at)) is not None


def _cut(text: str, at: int, *, lines: bool) -> re.Match[str] | None:
    return _CUT.match(text, at) or (_LINE.match(text, at) if lines else None)
