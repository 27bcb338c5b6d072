"""Secrets in base64 within a text: a Kubernetes secret, a `.dockerconfigjson`. Such a run goes as a whole."""

from __future__ import annotations

import base64
import re
import string
from collections.abc import Callable, Iterator

from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding

# Four characters that stand for three of printable ASCII; six such groups hardly occur in anything but base64 of text.
_GROUP = "[I-Za-f][C-HS-Xi-ny-z0-3][AEIMQUYcgkosw048BFJNRVZdhlptx159][A-Za-z0-9+/_-]"
_TEXT = f"(?:{_GROUP}){{6}}"
_SURE = re.compile(_TEXT)
_ALPHABET = string.ascii_letters + string.digits + "+/_-"
_LONGEST = 40_000
_RUN = re.compile(rf"[A-Za-z0-9+/_-]{{1,{_LONGEST}}}+={{0,2}}")
_URL_SAFE = str.maketrans("-_", "+/")


class Base64Runs:
    """`look` finds what stands in a decoded text."""

    anchors = (_TEXT,)

    def __init__(self, look: Callable[[Haystack], list[Finding]]) -> None:
        self._look = look

    def find(self, haystack: Haystack) -> Iterator[Finding]:
        """Runs of base64 that hold a secret, by the category of their first."""
        text, reached = haystack.text, 0
        while (sure := _SURE.search(text, reached)) is not None:
            start = _start(text, max(reached, sure.start() - _LONGEST), sure.start())
            if (run := _RUN.match(text, start)) is None:
                return
            reached = run.end()
            decoded = _decoded(run[0])
            held = self._look(Haystack(decoded)) if decoded is not None else []
            if held:
                yield Finding(*run.span(), held[0].category)


def _start(text: str, first: int, at: int) -> int:
    """Where the run that reaches to `at` starts; the `n` of an escaped line break is none of it."""
    start = first + len(text[first:at].rstrip(_ALPHABET))
    return start + (text[max(start - 1, 0) : start] == "\\" and text[start] in "nrt")


def _decoded(run: str) -> str | None:
    data = run.rstrip("=").translate(_URL_SAFE)
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4)).decode("ascii")
    except ValueError:
        return None
