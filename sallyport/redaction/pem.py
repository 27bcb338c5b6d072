"""Private keys, whole: from BEGIN to END, with the line breaks that JSON, or JSON in JSON, made of theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sallyport.redaction.detector import AnchoredDetector, Haystack

_BEGIN = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_CUT_OFF = re.compile(r"(?:[A-Za-z0-9+/=\s]|\\+[nr]|(?:Proc-Type|DEK-Info|Version): ?[\w,.: -]{1,80}){0,20000}+")
_LONGEST = 20_000
_LEAST_BODY = 48
"""Characters of base64 below which it is a drawing of a key (`...`), not a key."""


class PemDetector(AnchoredDetector):
    """A key cut off before its END goes as far as base64 reaches."""

    def __init__(self) -> None:
        super().__init__("PRIVATE_KEY", ("-----BEGIN ",), _BEGIN, free=True)

    def spans(self, haystack: Haystack) -> Iterator[tuple[int, int]]:
        text = haystack.text
        at, end = text.find("-----BEGIN "), None
        while at >= 0:
            begin = self._pattern.match(text, at)
            reached = at + len("-----BEGIN ")
            if begin is not None:
                if end is None or (end[0] >= 0 and end[0] < begin.end()):  # the END found for one BEGIN serves all before it
                    found = _END.search(text, begin.end())
                    end = found.span() if found is not None else (-1, -1)
                body_end, reached = self._reach(text, begin.end(), end)
                if len(re.findall(r"[A-Za-z0-9+/]", text[begin.end() : body_end])) >= _LEAST_BODY:
                    yield at, reached
            at = text.find("-----BEGIN ", reached)

    @staticmethod
    def _reach(text: str, start: int, end: tuple[int, int]) -> tuple[int, int]:
        another = text.find("-----BEGIN ", start, start + _LONGEST)
        if 0 <= end[0] <= start + _LONGEST and not 0 <= another < end[0]:
            return end
        match = _CUT_OFF.match(text, start)
        reached = match.end() if match is not None else start
        return reached, reached
