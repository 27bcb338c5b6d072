"""How one rule looks for its secrets: a detect-secrets plugin that is fast, linear, and says where.

The stock `RegexBasedDetector` hands back `findall` groups, so that replacing what it reports leaves most of the secret standing.
Ours yields whole values. `sieve.py` tells in one pass which rules' anchors stand in a text; only those rules search for them, and
only where one stands is the rule's regex tried, once, from there. No regex has an unbounded repeat, so the work is linear in
the text whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from functools import cached_property

from detect_secrets.plugins.base import RegexBasedDetector

from sallyport.redaction.finding import Finding
from sallyport.redaction.joined import Joined, cut_at


class Haystack:
    """A text, and its twins of the same length, made when first asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def ascii(self) -> bytes:
        """One byte for each character: `?` for those that are not ASCII."""
        return self.text.encode("ascii", "replace")

    @cached_property
    def lowered(self) -> str:
        lowered = self.text.lower()
        if len(lowered) == len(self.text):
            return lowered
        return "".join(character.lower() if character.isascii() else character for character in self.text)


# An anchor may follow a letter or digit only where that ends an escape: `\n`, `%3D`, `\u0022`, `\x22`, or a terminal colour.
_ESCAPE = re.compile(r"(?:\\[nrtbfv]|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\x1b\[[0-9;]{0,8}m)\Z")
_LONGEST_ESCAPE = 11
_LONGEST_VALUE = 200
"""That a NearDetector looks for."""

_DUMMY = re.compile(
    r"example|placeholder|changeme|change[-_]me|redacted|your[-_]?(?:own|api|key|token|secret|password|access|pat)|(?:dummy|fake|sample|insert)[-_]"
    r"|\*{3}|\.{3}|…|0{12}|<[^>]{0,40}>|\$\{|\{\{",
    re.IGNORECASE,
)
_CROSSED_OUT = re.compile(r"x{4}|X{4}")
_CROSSED_OUT_LONG = re.compile(r"x{8}|X{8}")
"""In a long value four may stand by chance."""
_LONG = 64
_DUMMY_SHOWS = 400
"""Within so many characters."""


def is_dummy(value: str) -> bool:
    """What documentation writes in place of a secret: `sk-…xxxx`, `AKIAIOSFODNN7EXAMPLE`, `<your-key>`."""
    crossed_out = _CROSSED_OUT_LONG if len(value) > _LONG else _CROSSED_OUT
    return _DUMMY.search(value) is not None or crossed_out.search(value) is not None


class AnchoredDetector(RegexBasedDetector):
    """A rule. Its secret is the regex's group `value`, or all of it.

    `anchors` are literals, or regexes that start with one; `nocase` ones are lower case and found in any case. The rule's
    regex is tried `back` characters before an anchor. `free`: the anchor may follow a letter or digit (it is a word of the
    context, not the start of the secret). `check` has the last word on a value.
    """

    # The base class declares both as abstract properties, and means plain attributes.
    secret_type: str = ""  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
    denylist: tuple[re.Pattern[str], ...] = ()  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]

    def __init__(
        self,
        category: str,
        anchors: tuple[str, ...],
        pattern: str,
        *,
        nocase: bool = False,
        free: bool = False,
        back: int = 0,
        check: Callable[[str], bool] | None = None,
    ) -> None:
        self.category = category
        self.secret_type = category  # pyright: ignore[reportIncompatibleMethodOverride]
        self.anchors = tuple(f"(?i:{anchor})" for anchor in anchors) if nocase else anchors
        self.nocase = nocase
        self._anchors = tuple(re.compile(anchor) for anchor in anchors)
        self._pattern = re.compile(pattern, re.IGNORECASE if nocase else 0)
        self.denylist = (self._pattern,)  # pyright: ignore[reportIncompatibleMethodOverride]
        self._group = "value" if "value" in self._pattern.groupindex else 0
        self._free = free
        self._back = back
        self._check = check

    def analyze_string(self, string: str) -> Generator[str, None, None]:
        """Every whole secret in `string` (detect-secrets' interface)."""
        for start, end in self.spans(Haystack(string)):
            yield string[start:end]

    def find(self, haystack: Haystack) -> Iterator[Finding]:
        """Every secret in a text."""
        return (Finding(start, end, self.category) for start, end in self.spans(haystack))

    def spans(self, haystack: Haystack) -> Iterator[tuple[int, int]]:
        """Where they stand."""
        text = haystack.text
        searched = haystack.lowered if self.nocase else text
        for anchor in self._anchors:
            joined = 0  # what is cut in parts before here was put together in vain
            found = anchor.search(searched)
            while found is not None:
                at, reached = found.start() - self._back, found.end()
                if at >= 0 and (self._free or _starts_word(text, at)):
                    match = self._pattern.match(text, at)
                    whole = self._whole(text, at, match) if at >= joined else None
                    if whole is not None:
                        joined = whole.end
                        match = self._pattern.match(whole.text, whole.begin) or match
                    if match is not None:
                        start, end = match.span(self._group)
                        if whole is not None and match.string is whole.text:
                            start, end = whole.places(start, end)
                        reached = max(reached, end)
                        if self.accepts(match[self._group]):
                            yield start, end
                found = anchor.search(searched, reached)

    def _whole(self, text: str, at: int, match: re.Match[str] | None) -> Joined | None:
        """The token there put together, where it is cut in parts."""
        if self._free or (match is not None and cut_at(text, match.end()) is None):
            return None
        return Joined.of(text, at, lines=match is None)

    def accepts(self, value: str) -> bool:
        """No dummy, and well to the rule's own check."""
        return not is_dummy(value[:_DUMMY_SHOWS]) and (self._check is None or self._check(value))


class NearDetector(AnchoredDetector):
    """A rule for a value that only the words before it tell: `value` must start within `reach` characters after `pattern`.

    What was searched in vain for one anchor is not searched again for the next, so the work stays linear.
    """

    def __init__(
        self,
        category: str,
        anchors: tuple[str, ...],
        pattern: str,
        value: str,
        *,
        reach: int = 60,
        nocase: bool = True,
        check: Callable[[str], bool] | None = None,
    ) -> None:
        super().__init__(category, anchors, pattern, nocase=nocase, free=True, check=check)
        self._value = re.compile(value)
        self._reach = reach

    def spans(self, haystack: Haystack) -> Iterator[tuple[int, int]]:
        text = haystack.text
        searched = haystack.lowered if self.nocase else text
        for anchor in self._anchors:
            clean = 0  # no value starts between the last anchor and here
            for found in anchor.finditer(searched):
                context = self._pattern.match(text, found.start())
                if context is None:
                    continue
                limit = context.end() + self._reach
                at = max(context.end(), clean)
                while at <= limit:
                    value = self._value.search(text, at, limit + _LONGEST_VALUE)
                    if value is None or value.start() > limit:
                        clean = limit
                        break
                    at = clean = value.end()
                    if self.accepts(value[0]):
                        yield value.span()


def _starts_word(text: str, at: int) -> bool:
    if at == 0 or not (text[at - 1].isascii() and text[at - 1].isalnum()):
        return True
    return _ESCAPE.search(text, max(0, at - _LONGEST_ESCAPE), at) is not None
