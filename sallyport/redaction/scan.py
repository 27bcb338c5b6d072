"""Everything that rules find in one text. Fast enough for any thread; the language model is not involved."""

from __future__ import annotations

import math
import time

from sallyport.redaction import placeholders
from sallyport.redaction.detector import Haystack
from sallyport.redaction.finding import Finding, merge
from sallyport.redaction.pii import find_pii
from sallyport.redaction.secrets import find_secrets

RULES_VERSION = 5
"""Goes up with every change of what is found, so that nothing cached or compared is of another version."""

SECRETS_RATE = 10_000_000
"""Characters per second that are searched for secrets at least."""
_WINDOW = 128_000
"""Characters looked at at a time: one search of a regex holds Python's lock, and must not hold it for long."""
_OVERLAP = 24_000
"""By how much a window reaches into the next: longer than any secret."""
_CONTEXT = 200
"""… and back into the one before: what stands before a value tells what it is."""


def scan(text: str, *, pii: bool, secrets: bool, until: float = math.inf) -> list[Finding]:
    """Sorted, none overlapping; a secret wins over personal data, and placeholders already in the text stay as they are.

    Secrets are found in all of it. Personal data is no more looked for once that would end after `until` (`time.monotonic`).
    """
    if len(text) <= _WINDOW + _OVERLAP:
        return _scan(text, pii=pii and time.monotonic() < until, secrets=secrets)
    found: list[Finding] = []
    start = reached = 0
    while start < len(text):
        end = _border(text, start + _WINDOW)
        first = max(0, start - _CONTEXT)
        pii = pii and time.monotonic() + (len(text) - start) / SECRETS_RATE < until
        for finding in _scan(text[first : end + _OVERLAP], pii=pii, secrets=secrets):
            here = Finding(finding.start + first, finding.end + first, finding.category)
            if max(start, reached) <= here.start < end:
                found.append(here)
                reached = here.end
        start = end
    return found


def _border(text: str, at: int) -> int:
    """The end of the line there, or, in a text without lines, a blank, or just there."""
    for border in "\n ":
        found = text.rfind(border, at - _WINDOW // 2, at)
        if found >= 0 and at < len(text):
            return found + 1
    return min(at, len(text))


def _scan(text: str, *, pii: bool, secrets: bool) -> list[Finding]:
    haystack = Haystack(text)
    found = merge(find_secrets(haystack) if secrets else (), find_pii(haystack) if pii else ())
    return outside(found, placeholders.spans(text))


def outside(findings: list[Finding], spans: list[tuple[int, int]]) -> list[Finding]:
    """The findings that touch none of `spans` (both sorted)."""
    if not spans:
        return findings
    kept: list[Finding] = []
    index = 0
    for finding in findings:
        while index < len(spans) and spans[index][1] <= finding.start:
            index += 1
        if index == len(spans) or spans[index][0] >= finding.end:
            kept.append(finding)
    return kept
