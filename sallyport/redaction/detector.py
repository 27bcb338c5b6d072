"""How one rule looks for its secrets: a detect-secrets plugin that is fast, linear, and says where.

The stock `RegexBasedDetector` hands back `findall` groups, so that replacing what it reports leaves most of the secret standing.
Ours yields whole values. The text is searched for literal anchors, at 1 to 3 GB/s; only where one stands is the rule's regex
tried, once, from there. No regex has an unbounded repeat, so the work is linear in the text whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from functools import cached_property

from detect_secrets.plugins.base import RegexBasedDetector


class Haystack:
    """A text, and its lower-case twin of the same length, made when first asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

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
    r"|x{4}|\*{3}|\.{3}|…|0{12}|<[^>]{0,40}>|\$\{|\{\{",
    re.IGNORECASE,
)
_DUMMY_SHOWS = 400
"""Within so many characters."""


def is_dummy(value: str) -> bool:
    """What documentation writes in place of a secret: `sk-…xxxx`, `AKIAIOSFODNN7EXAMPLE`, `<your-key>`."""
    return _DUMMY.search(value) is not None


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
        self._anchors = tuple(re.compile(anchor) for anchor in anchors)
        self._pattern = re.compile(pattern, re.IGNORECASE if nocase else 0)
        self.denylist = (self._pattern,)  # pyright: ignore[reportIncompatibleMethodOverride]
        self._has_value = "value" in self._pattern.groupindex
        self._nocase = nocase
        self._free = free
        self._back = back
        self._check = check

    def analyze_string(self, string: str) -> Generator[str, None, None]:
        """Every whole secret in `string` (detect-secrets' interface)."""
        for start, end in self.spans(Haystack(string)):
            yield string[start:end]

    def spans(self, haystack: Haystack) -> Iterator[tuple[int, int]]:
        """Where every secret stands."""
        text = haystack.text
        searched = haystack.lowered if self._nocase else text
        for anchor in self._anchors:
            found = anchor.search(searched)
            while found is not None:
                match = self._match(text, found.start() - self._back)
                if match is not None:
                    start, end = match.span("value") if self._has_value else match.span()
                    if self.accepts(text[start:end]):
                        yield start, end
                found = anchor.search(searched, max(found.end(), match.end() if match is not None else 0))

    def accepts(self, value: str) -> bool:
        """No dummy, and well to the rule's own check."""
        return not is_dummy(value[:_DUMMY_SHOWS]) and (self._check is None or self._check(value))

    def _match(self, text: str, at: int) -> re.Match[str] | None:
        return self._pattern.match(text, at) if at >= 0 and (self._free or _starts_word(text, at)) else None


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
        searched = haystack.lowered if self._nocase else text
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
